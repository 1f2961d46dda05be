using Litestream.Diagnostics;
using Litestream.PowerShell.Observation;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>The replications that this process carries out, by number. Thread-safe.</summary>
internal sealed class HostedReplications : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, HostedReplication> _all = [];
    private readonly Dictionary<object, string> _warnings = [];
    private readonly MetricReader _metrics = new();

    /// <summary>Begins with none.</summary>
    internal HostedReplications() => Observers = new Observers(this);

    /// <summary>Lets every status warn of something, or no more.</summary>
    /// <param name="source">Who warns; its earlier warning is replaced.</param>
    /// <param name="warning">Of what; null for nothing.</param>
    internal void Warn(object source, string? warning)
    {
        lock (_gate)
        {
            _warnings.Remove(source);
            if (warning is not null)
            {
                _warnings.Add(source, warning);
            }
        }
    }

    /// <summary>What this process has measured since it began, as it is now.</summary>
    internal IReadOnlyList<MetricSample> ReadMetrics() => _metrics.Read();

    /// <summary>Endpoints, logs and heartbeats.</summary>
    internal Observers Observers { get; }

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
        lock (_gate)
        {
            return _warnings.Count > 0 && status.Warning is null ? status with { Warning = string.Join(' ', _warnings.Values) } : status;
        }
    }

    /// <summary>Closes the endpoints, logs and heartbeats.</summary>
    public async ValueTask DisposeAsync()
    {
        await Observers.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
    }
}
