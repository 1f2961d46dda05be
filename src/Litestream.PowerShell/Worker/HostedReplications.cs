using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>The replications that this process carries out, by number. Thread-safe.</summary>
internal sealed class HostedReplications
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, HostedReplication> _all = [];

    /// <summary>Something that every status should warn of; null for nothing.</summary>
    internal string? Warning { get; set; }

    /// <summary>All of them now, by number.</summary>
    internal KeyValuePair<int, HostedReplication>[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _all.OrderBy(entry => entry.Key)];
            }
        }
    }

    /// <summary>Takes one in and begins it.</summary>
    /// <param name="key">Its number.</param>
    /// <param name="options">What, where to, how eagerly.</param>
    internal HostedReplication Start(int key, ReplicationOptions options)
    {
        HostedReplication replication = new(options);
        lock (_gate)
        {
            // Before it starts, so that the end of the process stops it too.
            _all.Add(key, replication);
        }

        replication.Start();
        return replication;
    }

    /// <summary>Finds one.</summary>
    /// <param name="key">Its number.</param>
    /// <exception cref="ReplicationException">There is none.</exception>
    internal HostedReplication Find(int key)
    {
        lock (_gate)
        {
            return _all.TryGetValue(key, out HostedReplication? replication)
                ? replication
                : throw new ReplicationException(ErrorTable.ReplicationNotFound, "The replication has been stopped already.");
        }
    }

    /// <summary>Ends one at once if it still runs, and forgets it.</summary>
    /// <param name="key">Its number.</param>
    internal async Task ForgetAsync(int key)
    {
        HostedReplication? replication;
        lock (_gate)
        {
            _all.Remove(key, out replication);
        }

        if (replication is not null)
        {
            await replication.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Does a last sync of all, side by side, and ends them.</summary>
    /// <returns>Their last statuses, by number.</returns>
    internal async Task<Dictionary<int, ReplicationStatus>> StopAllAsync()
    {
        KeyValuePair<int, HostedReplication>[] all = All;
        ReplicationStatus[] last = await Task.WhenAll(
            all.Select(entry => entry.Value.StopAsync(WorkerProtocol.LastSyncLimit))).ConfigureAwait(false);
        return all.Zip(last, (entry, status) => (entry.Key, status)).ToDictionary();
    }

    /// <summary>How all of them are.</summary>
    /// <param name="ended">Those too that another process than their owner has stopped.</param>
    internal Dictionary<int, ReplicationStatus> Statuses(bool ended) =>
        All.Where(entry => ended || !entry.Value.StoppedByOther).ToDictionary(entry => entry.Key, entry => Status(entry.Value));

    /// <summary>How one is.</summary>
    /// <param name="replication">Of these.</param>
    internal ReplicationStatus Status(HostedReplication replication)
    {
        ReplicationStatus status = replication.Status;
        return Warning is { } warning && status.Warning is null ? status with { Warning = warning } : status;
    }
}
