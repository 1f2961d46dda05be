using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Control;

/// <summary>All replications of this user as they are now: those that this session has started, and those of other processes, which can be
/// asked for more until it is disposed.</summary>
internal sealed class ReplicationListing : IAsyncDisposable
{
    private readonly IReadOnlyList<ControlledReplication> _others;

    private ReplicationListing(
        IReadOnlyList<SessionReplication> own, IReadOnlyList<ControlledReplication> others, IReadOnlyList<string> silent)
    {
        _others = others;
        All = [.. own, .. others, .. SessionReplications.Current.Watches];
        Silent = silent;
    }

    /// <summary>Every replication, this session's first.</summary>
    internal IReadOnlyList<ListedReplication> All { get; }

    /// <summary>What could not be asked, one sentence each.</summary>
    internal IReadOnlyList<string> Silent { get; }

    /// <summary>Asks all processes.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<ReplicationListing> ReadAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<SessionReplication> own = await SessionReplications.Current.ListAsync(cancellationToken).ConfigureAwait(false);
        HashSet<int> known = [.. own.Select(replication => replication.Worker.ProcessId)];
        (IReadOnlyList<ControlledReplication> others, IReadOnlyList<string> silent) =
            await ControlConnection.ListAsync(known, cancellationToken).ConfigureAwait(false);
        return new ReplicationListing(own, others, silent);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (ControlConnection connection in _others.Select(other => other.Connection).Distinct())
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
