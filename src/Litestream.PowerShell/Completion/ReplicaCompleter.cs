using System.Collections;
using System.Management.Automation;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers places of replicas: those that are replicated to, those that this session knows, and folders.</summary>
internal sealed class ReplicaCompleter : ArgumentCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound)
    {
        IEnumerable<(string Path, string Note)> places =
        [
            .. ReplicatedDatabaseCompleter.Replicated().SelectMany(replication => replication.Destinations)
                .Select(place => (place.Destination, $"Replica of {place.Path}")),
            .. SessionLocations.Addresses.Select(address => (address, "Was given in this session")),
        ];
        bool isUrl = CompletionText.Bare(word).Contains("://", StringComparison.Ordinal);
        return CompletionText.Paths(places, word).Concat(
            isUrl ? [] : FileCompletion.Offers(word, _ => false));
    }
}
