using System.Management.Automation;
using Litestream.Ltx;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
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
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string Source { get; set; } = "";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, Source), Source, out ReplicaLocation? place))
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
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place.Address), stop).ConfigureAwait(false);
            }
        });
    }

    private static async Task ListAsync(CmdletPipeline pipeline, ReplicaLocation place, CancellationToken stop)
    {
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            bool any = false;
            for (int level = LtxFileName.SnapshotLevel; level >= 0; level--)
            {
                await foreach (ReplicaFile file in store.ListAsync(level, stop).ConfigureAwait(false))
                {
                    any = true;
                    SqliteReplicaFile described = await DescribeAsync(store, file, stop).ConfigureAwait(false);
                    await pipeline.WriteObjectAsync(described, stop).ConfigureAwait(false);
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

    private static async Task<SqliteReplicaFile> DescribeAsync(IReplicaStore store, ReplicaFile file, CancellationToken stop)
    {
        SqliteReplicaFile listed = new()
        {
            Source = store.Location,
            Level = file.Level,
            Name = file.Name.ToString(),
            MinTxid = file.Name.MinTxid,
            MaxTxid = file.Name.MaxTxid,
            Timestamp = file.Timestamp.LocalDateTime,
            Size = file.Size,
        };
        try
        {
            LtxHeader header = await ReadHeaderAsync(store, file, stop).ConfigureAwait(false);

            // A full image says in its header how many pages it has; the index of a large one is long.
            long pages = header.IsFullImage ? header.PagesOfFullImage : await CountPagesAsync(store, file, header, stop).ConfigureAwait(false);
            return listed with { Pages = pages, DatabasePages = header.Commit, PageSize = header.PageSize };
        }
        catch (LitestreamException exception) when (exception is LtxFormatException or ReplicaFileNotFoundException)
        {
            // A damaged file is listed all the same: to find it is what a list is for, to judge it is the test's.
            return listed;
        }
    }

    private static async Task<LtxHeader> ReadHeaderAsync(IReplicaStore store, ReplicaFile file, CancellationToken stop)
    {
        byte[] bytes = new byte[LtxHeader.Length];
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, bytes.Length, stop).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop).ConfigureAwait(false);
            return LtxHeader.Parse(bytes.AsSpan(0, length), file.Name.ToString());
        }
    }

    private static async Task<long> CountPagesAsync(IReplicaStore store, ReplicaFile file, LtxHeader header, CancellationToken stop)
    {
        LtxPageIndex index = await LtxPageIndex.ReadAsync(
            (offset, length, token) => store.OpenReadAsync(file.Level, file.Name, offset, length, token),
            file.Size, header, file.Name.ToString(), stop).ConfigureAwait(false);
        return index.Count;
    }
}
