using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Shows what is measured of replications: lag, sizes, syncs, checkpoints, requests to replicas.</para>
/// <para type="description">The same numbers that -MetricsPrefix serves to Prometheus, under the same names, of this session's replications
/// and of those of the user's other sessions and services. Counters begin with the process that replicates.</para>
/// </summary>
[Cmdlet(VerbsCommon.Get, "SqliteReplicationMetric")]
[OutputType(typeof(SqliteReplicationMetric))]
public sealed class GetSqliteReplicationMetricCommand : ReplicationCmdlet
{
    /// <summary>Databases, by path or pattern. All if it is left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[]? Path { get; set; }

    /// <summary>Names of metrics, with wildcards. All if it is left out.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(MetricNameCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, async (selected, pipeline, stop) =>
    {
        WildcardPattern[] names = [.. Name.Select(name => new WildcardPattern(name, WildcardOptions.IgnoreCase))];
        foreach (IGrouping<int, ListedReplication> process in selected.GroupBy(replication => replication.ProcessId))
        {
            HashSet<string> databases = [.. process.Select(replication => replication.Path)];
            IEnumerable<SqliteReplicationMetric> metrics = (await process.First().ReadMetricsAsync(stop).ConfigureAwait(false))
                .Where(sample => names.Any(name => name.IsMatch(sample.Name)))
                .Select(sample => SqliteReplicationMetric.From(sample, process.Key))
                .Where(metric => metric.Path is null || databases.Contains(metric.Path));
            foreach (SqliteReplicationMetric metric in metrics)
            {
                await pipeline.WriteObjectAsync(metric, stop).ConfigureAwait(false);
            }
        }
    });
}
