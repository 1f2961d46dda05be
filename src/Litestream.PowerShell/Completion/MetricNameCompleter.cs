using System.Collections;
using System.Management.Automation;
using Litestream.Diagnostics;
using Litestream.PowerShell.Control;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers the names of what is being measured.</summary>
internal sealed class MetricNameCompleter : ArgumentCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound)
    {
        string typed = CompletionText.Bare(word);
        return (CompletionLimit.Ask(SamplesAsync) ?? [])
            .DistinctBy(sample => sample.Name)
            .Where(sample => sample.Name.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .OrderBy(sample => sample.Name, StringComparer.Ordinal)
            .Select(sample => CompletionText.Offer(sample.Name, sample.Help.Length > 0 ? sample.Help : sample.Kind));
    }

    private static async Task<List<MetricSample>> SamplesAsync(CancellationToken stop)
    {
        ReplicationListing listing = await ReplicationListing.ReadAsync(stop).ConfigureAwait(false);
        await using (listing.ConfigureAwait(false))
        {
            List<MetricSample> samples = [];
            foreach (ListedReplication replication in listing.All.DistinctBy(replication => replication.ProcessId))
            {
                samples.AddRange(await replication.ReadMetricsAsync(stop).ConfigureAwait(false));
            }

            return samples;
        }
    }
}
