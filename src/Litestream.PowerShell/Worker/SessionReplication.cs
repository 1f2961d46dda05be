using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>A replication that this process has started, and what is known of it.</summary>
/// <param name="key">Its number in the worker.</param>
/// <param name="worker">Where it runs.</param>
/// <param name="status">As it was when it started.</param>
internal sealed class SessionReplication(int key, WorkerProcess worker, ReplicationStatus status)
{
    private ReplicationStatus _status = status;

    /// <summary>Its number in the worker.</summary>
    internal int Key => key;

    /// <summary>Where it runs.</summary>
    internal WorkerProcess Worker => worker;

    /// <summary>As last heard of.</summary>
    internal ReplicationStatus Status => _status;

    /// <summary>Full path of the database.</summary>
    internal string Path => _status.DatabasePath;

    /// <summary>The replica's place.</summary>
    internal string Destination => _status.Destination;

    /// <summary>Takes in a newer status.</summary>
    /// <param name="newer">From the worker.</param>
    internal void Update(ReplicationStatus newer) => _status = newer;

    /// <summary>Returns when everything committed before the call is in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal async Task SyncAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<int, ReplicationStatus> answer = await worker.AskAsync(
            WorkerRequestKind.Sync, request => request with { Key = key }, cancellationToken).ConfigureAwait(false);
        Update(answer[key]);
    }

    /// <summary>The output object. When the worker is gone it says so, whatever the last status was.</summary>
    internal SqliteReplication ToOutput()
    {
        ReplicationStatus last = _status;
        bool ended = last.State is ReplicationState.Stopped or ReplicationState.Faulted;
        if (worker.EndMessage is not { } message || ended)
        {
            return SqliteReplication.From(last, worker.ProcessId);
        }

        if (worker.LastWords?.GetValueOrDefault(key) is { } words)
        {
            return SqliteReplication.From(words with { Detail = message }, worker.ProcessId);
        }

        return SqliteReplication.From(
            last with
            {
                State = ReplicationState.Faulted,
                Since = worker.EndedAt,
                LastError = message,
                LastErrorId = ErrorTable.WorkerEnded,
                LastErrorAt = worker.EndedAt,
            },
            worker.ProcessId);
    }
}
