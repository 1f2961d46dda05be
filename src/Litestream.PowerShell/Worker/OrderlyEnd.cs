using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>Ends a replication with a last sync that has a time limit.</summary>
internal static class OrderlyEnd
{
    /// <summary>Ends it.</summary>
    /// <param name="replicator">Started or not.</param>
    /// <param name="limit">How long the last sync may take. What does not go up in time stays in the local state; the status shows it.</param>
    /// <returns>Its last status.</returns>
    internal static async Task<ReplicationStatus> StopAsync(Replicator replicator, TimeSpan limit)
    {
        // While it streams, its status knows how recently the replica held everything; once ended, only when it last uploaded.
        DateTimeOffset? inSync = replicator.Status.LastSyncAt;
        using CancellationTokenSource expiry = new(limit);
        try
        {
            await replicator.StopAsync(expiry.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (expiry.IsCancellationRequested)
        {
            // The status says what is missing.
        }

        ReplicationStatus last = replicator.Status;
        return inSync > (last.LastSyncAt ?? DateTimeOffset.MinValue) ? last with { LastSyncAt = inSync } : last;
    }
}
