using System.Management.Automation;
using Litestream.Maintenance;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Deletes a replica.</para>
/// <para type="description">Deletes every file of the replica and nothing else at its place; no instant of it can be restored any more. It asks before,
/// unless -Confirm:$false says otherwise. A replica that is being written to is refused.</para>
/// </summary>
[Cmdlet(VerbsCommon.Remove, "SqliteReplica", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveSqliteReplicaCommand : AsyncCmdlet
{
    /// <summary>The replica's place: a folder path, a <c>file://</c> URL or <c>s3://bucket/path</c>.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination")]
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
                await RemoveAsync(pipeline, place, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException and not PipelineStoppedException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place.Address), stop).ConfigureAwait(false);
            }
        });
    }

    private async Task RemoveAsync(CmdletPipeline pipeline, ReplicaLocation place, CancellationToken stop)
    {
        using PatientProgress progress = new(pipeline, $"Removing {place}");
        List<ReplicaFile> files;
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            files = await progress.WhileAsync(ReplicaListing.ReadAsync(store, stop), () => ("Reading names of its files", null)).ConfigureAwait(false);
        }

        if (files.Count == 0)
        {
            throw new ReplicaNotFoundException($"There is no replica in '{place}': no file of one was found there. Nothing was deleted.") { Replica = place.Address };
        }

        string what = $"Delete {files.Count} files ({Readable.Size(files.Sum(file => file.Size))}), the newest of TXID {files.Max(file => file.Name.MaxTxid)}";
        if (await pipeline.InvokeAsync(() => ShouldProcess(place.Address, what), stop).ConfigureAwait(false))
        {
            (int count, long bytes) = await progress.WhileAsync(
                ReplicaRemoval.RunAsync(place, stop), () => ($"Deleting {files.Count} files", null)).ConfigureAwait(false);
            await pipeline.WriteVerboseAsync(FormattableString.Invariant($"Deleted {count} files, {Readable.Size(bytes)}."), stop).ConfigureAwait(false);
        }
    }
}
