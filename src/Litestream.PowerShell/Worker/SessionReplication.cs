using Litestream.Diagnostics;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>A replication that this process has started, and what is known of it.</summary>
/// <param name="key">Its number in the worker.</param>
/// <param name="worker">Where it runs.</param>
/// <param name="status">As it was when it started.</param>
internal sealed class SessionReplication(int key, WorkerProcess worker, ReplicationStatus status) : ListedReplication(status)
{
    /// <summary>Its number in the worker.</summary>
    internal int Key => key;

    /// <summary>Where it runs.</summary>
    internal WorkerProcess Worker => worker;

    /// <summary>The replica's place.</summary>
    internal string Destination => Status.Destination;

    /// <inheritdoc/>
    internal override int ProcessId => worker.ProcessId;

    /// <inheritdoc/>
    internal override Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken) =>
        worker.ReadMetricsAsync(cancellationToken);

    /// <inheritdoc/>
    internal override Task<SqliteReplication> StopAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        SessionReplications.Current.StopAsync(this, limit, cancellationToken);

    /// <summary>The output object. When the worker is gone it says so, whatever the last status was.</summary>
    internal override SqliteReplication ToOutput()
    {
        ReplicationStatus last = Status;
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

    /// <inheritdoc/>
    private protected override async Task AskAsync(WorkerRequestKind kind, TimeSpan limit, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<int, ReplicationStatus> answer = await worker.AskAsync(
            kind, request => request with { Key = key, Limit = limit }, cancellationToken).ConfigureAwait(false);
        Update(answer[key]);
    }
}
