using Litestream.Diagnostics;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Control;

/// <summary>A replication that another process of this user carries out.</summary>
/// <param name="key">Its number there.</param>
/// <param name="connection">To that process.</param>
/// <param name="status">As it was when we asked.</param>
internal sealed class ControlledReplication(int key, ControlConnection connection, ReplicationStatus status) : ListedReplication(status)
{
    /// <summary>To the process that carries it out.</summary>
    internal ControlConnection Connection => connection;

    /// <inheritdoc/>
    internal override int ProcessId => connection.ProcessId;

    /// <inheritdoc/>
    internal override Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken) =>
        connection.ReadMetricsAsync(cancellationToken);

    /// <inheritdoc/>
    internal override SqliteReplication ToOutput() => SqliteReplication.From(Status, connection.ProcessId);

    /// <inheritdoc/>
    internal override async Task<SqliteReplication> StopAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        await AskAsync(WorkerRequestKind.Stop, limit, cancellationToken).ConfigureAwait(false);
        return ToOutput();
    }

    /// <inheritdoc/>
    private protected override async Task AskAsync(WorkerRequestKind kind, TimeSpan limit, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<int, ReplicationStatus> answer = await connection.AskAsync(
            kind, request => request with { Key = key, Limit = limit }, cancellationToken).ConfigureAwait(false);
        Update(answer[key]);
    }
}
