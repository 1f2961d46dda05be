using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>Finds the last good point of a damaged replica, from which a repair need only send what differs.</summary>
/// <remarks>
/// The file that a repair sends leads from the last good point R to N. By its name it may be applied to every state from R to N, but it holds
/// only pages that differ between R and the live database: a page that was changed behind R and changed back is not in it. So it is
/// sent only where nobody can stand between the two. No restore does: R is the furthest that whole files lead to, from any full image at any level. A
/// follower may, who read the files behind R while they were whole. It sees the new node id that a repair draws, and restores anew
/// (<c>Follower.ApplyAsync</c>), unless it stands at a file of Litestream's, which has no node id. So all files from R on must be of one node;
/// else a full image is sent, which is right on any state. Litestream's own readers pass over a file that begins before where they stand.
/// </remarks>
internal static class RepairBasis
{
    // Each costs a request; a replica with more behind its last good point gets a full image.
    private const int MaxLookedAt = 256;

    /// <summary>Finds it.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="isDamaged">Tells the damaged files of it.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public static async Task<RebaseBasis> FindAsync(IReplicaStore store, Func<ReplicaFile, bool> isDamaged, CancellationToken cancellationToken)
    {
        List<ReplicaFile> listed = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        List<ReplicaFile> whole = [.. listed.Where(file => !isDamaged(file))];
        if (PlanToLastGood(store.Location, whole, image: null) is not { } plan)
        {
            return new RebaseBasis(listed, []);
        }

        List<ReplicaFile> beyond = [.. listed.Where(file => file.Name.MaxTxid > plan.Txid)];
        if (beyond.Count > MaxLookedAt)
        {
            return new RebaseBasis(listed, []);
        }

        List<ReplicaFile> wholeBeyond = [.. beyond.Where(file => !isDamaged(file))];
        if (await RestorePlanner.FindImageAsync(store, wholeBeyond, target: null, cancellationToken).ConfigureAwait(false) is { } image)
        {
            plan = PlanToLastGood(store.Location, whole, image)!;
            beyond.RemoveAll(file => file.Name.MaxTxid <= plan.Txid);
        }

        ulong writer = await NodeOfAsync(store, plan.Files[^1], cancellationToken).ConfigureAwait(false);
        foreach (ReplicaFile file in beyond)
        {
            if (writer == 0 || await NodeOfAsync(store, file, cancellationToken).ConfigureAwait(false) != writer)
            {
                return new RebaseBasis(listed, []);
            }
        }

        return new RebaseBasis(listed, plan.Files);
    }

    private static RestorePlan? PlanToLastGood(string location, List<ReplicaFile> whole, ReplicaFile? image)
    {
        try
        {
            return RestorePlanner.Plan(location, whole, target: null, image);
        }
        catch (ReplicaGapException gap)
        {
            return RestorePlanner.Plan(location, whole, gap.Txid - 1, image);
        }
        catch (ReplicaNotFoundException)
        {
            return null;
        }
    }

    // 0 for none, and for a header that cannot be read.
    private static async Task<ulong> NodeOfAsync(IReplicaStore store, ReplicaFile file, CancellationToken cancellationToken)
    {
        try
        {
            return (await ReplicaLineage.ReadHeaderAsync(store, file, cancellationToken).ConfigureAwait(false)).NodeId;
        }
        catch (LtxFormatException)
        {
            return 0;
        }
    }
}
