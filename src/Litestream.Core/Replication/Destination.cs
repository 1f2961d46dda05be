using Litestream.Maintenance;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>One place that a session replicates to, and what it has of it: the right to write there, what stands there, the place in the line.</summary>
internal sealed class Destination
{
    private readonly Lock _gate = new();
    private IReplicaLease? _lease;
    private Task? _connecting;

    /// <summary>Prepares it. Nothing is asked of the store yet.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="board">Where its state goes.</param>
    /// <param name="uploader">Sends to it.</param>
    /// <param name="maintenance">How it is kept small.</param>
    public Destination(IReplicaStore store, DestinationBoard board, Uploader uploader, MaintenanceOptions maintenance)
    {
        (Store, Board, Uploader, Maintenance) = (store, board, uploader, maintenance);
        board.Enter(ReplicationState.Starting);
    }

    /// <summary>The replica.</summary>
    public IReplicaStore Store { get; }

    /// <summary>Where its state goes.</summary>
    public DestinationBoard Board { get; }

    /// <summary>Sends to it.</summary>
    public Uploader Uploader { get; }

    /// <summary>How it is kept small.</summary>
    public MaintenanceOptions Maintenance { get; }

    /// <summary>Which captured files it has taken. Set when capture begins.</summary>
    public StagingCursor Cursor { get; set; } = null!;

    /// <summary>What stood there when it was connected; null while it is not.</summary>
    public ReplicaLineage? Replica { get; private set; }

    /// <summary>What stands there, once it is proven to be ours to continue from the cursor on; null before.</summary>
    public ReplicaCatalogue? Catalogue { get; set; }

    /// <summary>Signals that the right to write there is gone.</summary>
    public CancellationToken Lost { get; private set; }

    /// <summary>Whether it takes what is captured.</summary>
    public bool IsStreaming => Board.Status.State == ReplicationState.Streaming;

    /// <summary>Takes the right to write and lists what stands there; at once if that is done. One try, however often it is asked for meanwhile.</summary>
    /// <param name="owner">Who takes it.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    /// <exception cref="LitestreamException">It cannot be reached, or belongs to another.</exception>
    public Task ConnectAsync(ReplicaOwner owner, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _connecting ??= Task.Run(() => ConnectOnceAsync(owner, cancellationToken), CancellationToken.None);
        }
    }

    /// <summary>Gives the right to write back and forgets what stands there. The next connection finds out anew.</summary>
    public async Task DisconnectAsync()
    {
        Task connecting;
        lock (_gate)
        {
            connecting = _connecting ?? Task.CompletedTask;
        }

        await connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_lease is not null)
        {
            await _lease.DisposeAsync().ConfigureAwait(false);
        }

        lock (_gate)
        {
            (_lease, _connecting, Replica, Catalogue) = (null, null, null, null);
        }
    }

    private async Task ConnectOnceAsync(ReplicaOwner owner, CancellationToken cancellationToken)
    {
        _lease = await Store.AcquireAsync(owner, cancellationToken).ConfigureAwait(false);
        Lost = _lease.Lost;
        Replica = await ReplicaLineage.ReadAsync(Store, cancellationToken).ConfigureAwait(false);
    }
}
