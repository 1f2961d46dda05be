using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Observation;

/// <summary>Tells two looks at a replication apart: what has happened between them that somebody should read.</summary>
internal static class StatusWatch
{
    /// <summary>How often to look.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // What is met again after a longer time than lies between two tries is another trouble.
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(5);

    /// <summary>An error that was not met at the last look; null if it is the same trouble that goes on, tried again in vain.</summary>
    /// <param name="last">The last look; null for the first one.</param>
    /// <param name="now">This one.</param>
    internal static string? NewError(ReplicationStatus? last, ReplicationStatus now)
    {
        bool goesOn = last is not null
            && now.LastErrorId == last.LastErrorId
            && now.LastErrorAt - last.LastErrorAt < LongestRetry
            && now.State == last.State
            && now.Destinations.Select(place => place.State).SequenceEqual(last.Destinations.Select(place => place.State));
        return now.LastErrorAt == last?.LastErrorAt || goesOn ? null : now.LastError;
    }

    /// <summary>What happened since the last look.</summary>
    /// <param name="last">The last look; null for the first one.</param>
    /// <param name="now">This one.</param>
    /// <returns>Level (<c>info</c>, <c>warn</c>, <c>error</c>), event and message, in the order in which they are to be read.</returns>
    internal static IEnumerable<(string Level, string Event, string Message)> Compare(ReplicationStatus? last, ReplicationStatus now)
    {
        if (NewError(last, now) is { } error)
        {
            yield return (now.State == ReplicationState.Faulted ? "error" : "warn", "failed", error);
        }

        if (now.LastVerifyError is { } doubt && doubt != last?.LastVerifyError)
        {
            yield return (now.LastVerifyOutcome == VerificationOutcome.Fail ? "error" : "warn", "verification", doubt);
        }

        if (now.LastVerifiedAt is { } verified && verified != last?.LastVerifiedAt)
        {
            yield return ("info", "verified", $"every replica restores to the live database, up to transaction {now.VerifiedTxid}");
        }

        if (now.State != last?.State)
        {
            string level = now.State is ReplicationState.Faulted or ReplicationState.Damaged ? "error"
                : now.State == ReplicationState.Retrying ? "warn" : "info";
            yield return (level, "state", now.Detail is { } detail ? $"{now.State} ({detail})" : now.State.ToString());
        }

        if (now.Warning is { } warning && warning != last?.Warning)
        {
            yield return ("warn", "warning", warning);
        }
    }

    /// <summary>Looks again and again.</summary>
    /// <param name="replications">What this process replicates.</param>
    /// <param name="happened">Told of each look at each replication: the last look, and this one.</param>
    /// <param name="end">Ends it, after one last look.</param>
    internal static async Task RunAsync(HostedReplications replications, Action<ReplicationStatus?, ReplicationStatus> happened, CancellationToken end)
    {
        Dictionary<int, (HostedReplication Replication, ReplicationStatus Status)> last = [];
        bool ended;
        do
        {
            await Task.Delay(Interval, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended = end.IsCancellationRequested;
            Dictionary<int, HostedReplication> all = replications.All.ToDictionary();
            foreach ((int key, (HostedReplication gone, ReplicationStatus before)) in last.Where(entry => !all.ContainsKey(entry.Key)).ToArray())
            {
                // Forgotten since: how it has ended is told once.
                happened(before, replications.Status(gone));
                last.Remove(key);
            }

            foreach ((int key, HostedReplication replication) in all)
            {
                ReplicationStatus now = replications.Status(replication);
                happened(last.TryGetValue(key, out (HostedReplication, ReplicationStatus Status) known) ? known.Status : null, now);
                last[key] = (replication, now);
            }
        }
        while (!ended);
    }
}
