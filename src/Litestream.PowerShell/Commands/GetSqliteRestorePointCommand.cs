using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Lists the instants that a replica can be restored to.</para>
/// <para type="description">Oldest first: the first and the last are the window. Each can be given to Restore-SqliteDatabase, its Txid to
/// -TransactionId or its Timestamp to -At. Recent ones stand as close as they were captured, older ones as close as they were merged.
/// Points of a replica that Litestream 0.3 wrote have a Generation and no Txid: give their Timestamp.</para>
/// </summary>
[Cmdlet(VerbsCommon.Get, "SqliteRestorePoint")]
[OutputType(typeof(SqliteRestorePoint))]
public sealed class GetSqliteRestorePointCommand : AsyncCmdlet
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
                using PatientProgress progress = new(pipeline, $"Listing the restore points of {place}");
                RestorePoints points = await progress.WhileAsync(
                    RestorePoints.ListAsync(place, stop), () => ("Reading names and times of its files", null)).ConfigureAwait(false);
                await WriteAsync(pipeline, points, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException and not PipelineStoppedException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place.Address), stop).ConfigureAwait(false);
            }
        });
    }

    private static async Task WriteAsync(CmdletPipeline pipeline, RestorePoints points, CancellationToken stop)
    {
        if (points is { From: { } from, To: { } to })
        {
            await pipeline.WriteVerboseAsync(
                FormattableString.Invariant($"Window: {from.LocalDateTime:yyyy-MM-dd HH:mm:ss} to {to.LocalDateTime:yyyy-MM-dd HH:mm:ss}, {points.All.Count} points"),
                stop).ConfigureAwait(false);
        }

        foreach (RestorePoint point in points.All)
        {
            SqliteRestorePoint output = new()
            {
                Source = points.Source,
                Txid = point.Txid,
                Generation = point.Generation ?? "",
                Timestamp = point.Timestamp.LocalDateTime,
                Level = point.Level,
            };
            await pipeline.WriteObjectAsync(output, stop).ConfigureAwait(false);
        }
    }
}
