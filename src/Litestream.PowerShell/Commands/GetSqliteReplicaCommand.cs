using System.Management.Automation;
using Litestream.Restoration;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Lists the files of a replica.</para>
/// <para type="description">Full images (level 9) first, then what was merged and captured after them, each with its transaction ids,
/// time, size and number of pages. That a file is listed says nothing about its content: Test-SqliteReplica does.</para>
/// </summary>
[Cmdlet(VerbsCommon.Get, "SqliteReplica")]
[OutputType(typeof(SqliteReplicaFile))]
public sealed class GetSqliteReplicaCommand : AsyncCmdlet
{
    /// <summary>The replica's place: a folder path or a <c>file://</c> URL.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination", "PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string Source { get; set; } = "";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, Source), Source, out string? place))
        {
            return;
        }

        Run(async (pipeline, stop) =>
        {
            try
            {
                await ListAsync(pipeline, place, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place), stop).ConfigureAwait(false);
            }
        });
    }

    private static async Task ListAsync(CmdletPipeline pipeline, string place, CancellationToken stop)
    {
        IReplicaStore store = ReplicaLocation.Open(place);
        await using (store.ConfigureAwait(false))
        {
            bool any = false;
            for (int level = LtxFileName.SnapshotLevel; level >= 0; level--)
            {
                await foreach (ReplicaFile file in store.ListAsync(level, stop).ConfigureAwait(false))
                {
                    any = true;
                    await pipeline.WriteObjectAsync(Describe(store, file), stop).ConfigureAwait(false);
                }
            }

            if (!any)
            {
                throw new ReplicaNotFoundException($"There is no replica in '{store.Location}': no file of one was found there.")
                {
                    Replica = store.Location,
                };
            }
        }
    }

    private static SqliteReplicaFile Describe(IReplicaStore store, ReplicaFile file) => new()
    {
        Source = store.Location,
        Level = file.Level,
        Name = file.Name.ToString(),
        MinTxid = file.Name.MinTxid,
        MaxTxid = file.Name.MaxTxid,
        Timestamp = file.Timestamp.LocalDateTime,
        Size = file.Size,
    };
}
