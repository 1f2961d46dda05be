using System.Management.Automation;
using Litestream.Maintenance;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Estimates what a replica costs a month: requests, bytes, money.</para>
/// <para type="description">From the replica's own files, which tell how often and how much was written in the last day or two. Nothing
/// but the listing is read. What restores and tests fetch is not in it.</para>
/// </summary>
[Cmdlet(VerbsDiagnostic.Measure, "SqliteReplica")]
[OutputType(typeof(SqliteReplicaMeasure))]
public sealed class MeasureSqliteReplicaCommand : AsyncCmdlet
{
    /// <summary>The replica's place: a folder path or a URL.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination", "PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string Source { get; set; } = "";

    /// <summary>What the store charges; a hashtable of the prices that differ from Amazon's.</summary>
    [Parameter]
    [ValidateNotNull]
    public SqliteReplicaPrices Prices { get; set; } = new();

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
                using PatientProgress progress = new(pipeline, $"Measuring {place}");
                SqliteReplicaMeasure measure = await progress.WhileAsync(
                    MeasureAsync(place, stop), () => ("Reading names and sizes of its files", null)).ConfigureAwait(false);
                if (measure.To - measure.From < TimeSpan.FromDays(1))
                {
                    await pipeline.WriteWarningAsync(
                        FormattableString.Invariant($"{measure.Source} tells of {(measure.To - measure.From).TotalHours:0.0} hours only: what is reckoned from that for a month is rough. Measure again after a day."),
                        stop).ConfigureAwait(false);
                }

                await pipeline.WriteObjectAsync(measure, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place.Address), stop).ConfigureAwait(false);
            }
        });
    }

    private async Task<SqliteReplicaMeasure> MeasureAsync(ReplicaLocation place, CancellationToken stop)
    {
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            ReplicaUsage usage = await ReplicaMeter.MeasureAsync(store, stop).ConfigureAwait(false)
                ?? throw new ReplicaNotFoundException($"There is no replica in '{store.Location}': no file of one was found there.") { Replica = store.Location };
            return SqliteReplicaMeasure.Of(store.Location, usage, Prices);
        }
    }
}
