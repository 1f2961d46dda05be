using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>What a follower knows of the replica: one listing a look, of the level where new transactions appear.</summary>
/// <remarks>
/// Only when that level does not lead on from the copy's transaction, and once a minute since an image may stand alone further on, are
/// all levels listed.
/// </remarks>
internal sealed class FollowedReplica(IReplicaStore store, TimeProvider time)
{
    private static readonly TimeSpan WholeInterval = TimeSpan.FromMinutes(1);

    private List<ReplicaFile> _files = [];
    private long? _listedWhole;

    /// <summary>The replica.</summary>
    public IReplicaStore Store => store;

    /// <summary>The file that reaches furthest.</summary>
    public ReplicaFile Newest => _files.MaxBy(file => file.Name.MaxTxid)!;

    /// <summary>Looks at the replica.</summary>
    /// <param name="state">Where the copy stands.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">It is empty.</exception>
    public async Task LookAsync(FollowedState state, CancellationToken cancellationToken)
    {
        if (_listedWhole is { } last && time.GetElapsedTime(last) < WholeInterval)
        {
            List<ReplicaFile> captures = [];
            await foreach (ReplicaFile file in store.ListAsync(0, cancellationToken).ConfigureAwait(false))
            {
                captures.Add(file);
            }

            _files = captures;
            if (captures.Count > 0 && (state.Is(Newest.Name.MaxTxid, Newest.Timestamp) || After(state) is not null))
            {
                return;
            }
        }

        _files = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        _listedWhole = time.GetTimestamp();
        if (_files.Count == 0)
        {
            throw RestorePlanner.NoReplica(store.Location);
        }
    }

    /// <summary>
    /// The file that leads furthest from the copy's transaction. It may begin earlier: what it holds of earlier transactions is in the copy or
    /// overwritten in it.
    /// </summary>
    /// <param name="state">Where the copy stands.</param>
    public ReplicaFile? After(FollowedState state) => state.Txid == 0 ? null : _files
        .Where(file => file.Name.MinTxid <= state.Txid + 1 && file.Name.MaxTxid > state.Txid && file.Name.MinTxid > 1)
        .MaxBy(file => file.Name.MaxTxid);

    /// <summary>
    /// Whether a file written by this node goes on from the copy's state: it is of the same node, or the transaction that the copy stands at is still
    /// there with its time. Litestream gives no node, so a replica made anew in the same place is known by that alone.
    /// </summary>
    /// <param name="state">Where the copy stands.</param>
    /// <param name="nodeId">The file's node; 0 for none.</param>
    public bool GoesOn(FollowedState state, ulong nodeId) => nodeId != 0 && state.NodeId != 0
        ? nodeId == state.NodeId
        : _files.Any(file => state.Is(file.Name.MaxTxid, file.Timestamp));
}
