using System.Collections;
using System.Management.Automation;
using Litestream.PowerShell.Control;

namespace Litestream.PowerShell.Completion;

/// <summary>Offers the databases that are replicated: by this session and by this user's others.</summary>
internal sealed class ReplicatedDatabaseCompleter : ArgumentCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<CompletionResult> Offers(string parameter, string word, IDictionary bound) =>
        CompletionText.Paths(Replicated().Select(replication => (replication.Path, $"{replication.State}, to {replication.Destination}")), word);

    /// <summary>What is replicated; empty if it cannot be told in time.</summary>
    internal static IReadOnlyList<SqliteReplication> Replicated() => CompletionLimit.Ask<IReadOnlyList<SqliteReplication>>(async stop =>
    {
        ReplicationListing listing = await ReplicationListing.ReadAsync(stop).ConfigureAwait(false);
        await using (listing.ConfigureAwait(false))
        {
            return [.. listing.All.Select(replication => replication.ToOutput())];
        }
    }) ?? [];
}
