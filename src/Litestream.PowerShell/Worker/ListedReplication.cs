using Litestream.Diagnostics;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>A replication that the cmdlets can name: one of this session's, or one that another process of this user carries out.</summary>
/// <param name="status">As last heard of.</param>
internal abstract class ListedReplication(ReplicationStatus status)
{
    private ReplicationStatus _status = status;

    /// <summary>As last heard of.</summary>
    internal ReplicationStatus Status => _status;

    /// <summary>Full path of the database.</summary>
    internal string Path => _status.DatabasePath;

    /// <summary>The output object.</summary>
    internal abstract SqliteReplication ToOutput();

    /// <summary>The process that carries it out.</summary>
    internal abstract int ProcessId { get; }

    /// <summary>What the process that carries it out has measured.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal abstract Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken);

    /// <summary>Does a last sync and ends it.</summary>
    /// <param name="limit">How long the last sync may take.</param>
    /// <param name="cancellationToken">Gives up waiting; it ends all the same.</param>
    /// <returns>How it was at the end.</returns>
    internal abstract Task<SqliteReplication> StopAsync(TimeSpan limit, CancellationToken cancellationToken);

    /// <summary>Returns when everything committed before the call is in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal Task SyncAsync(CancellationToken cancellationToken) => AskAsync(WorkerRequestKind.Sync, TimeSpan.Zero, cancellationToken);

    /// <summary>Does a last sync and closes the database until it is resumed.</summary>
    /// <param name="limit">How long the last sync may take.</param>
    /// <param name="cancellationToken">Gives up waiting; it is suspended all the same.</param>
    internal Task SuspendAsync(TimeSpan limit, CancellationToken cancellationToken) =>
        AskAsync(WorkerRequestKind.Suspend, limit, cancellationToken);

    /// <summary>Goes on after a suspension or a fault.</summary>
    /// <param name="patience">How long to wait for it to stream.</param>
    /// <param name="cancellationToken">Gives up waiting; it goes on all the same.</param>
    internal Task ResumeAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        AskAsync(WorkerRequestKind.Resume, patience, cancellationToken);

    /// <summary>Takes in a newer status.</summary>
    /// <param name="newer">From the process that carries it out.</param>
    internal void Update(ReplicationStatus newer) => _status = newer;

    /// <summary>Asks the process that carries it out, and takes in the status that comes back.</summary>
    private protected abstract Task AskAsync(WorkerRequestKind kind, TimeSpan limit, CancellationToken cancellationToken);
}
