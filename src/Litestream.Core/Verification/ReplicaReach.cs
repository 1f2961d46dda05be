using Litestream.Ltx;
using Litestream.Sqlite;

namespace Litestream.Verification;

/// <summary>How the end of a replica stands to a pinned state.</summary>
/// <param name="Holds">The replica's last transaction is the pinned one, or a later one that the WAL can lead the pinned image to.</param>
/// <param name="MayEqual">Its last transaction is of an earlier generation: equal if nothing was committed since, behind if something was.</param>
internal readonly record struct ReplicaReach(bool Holds, bool MayEqual)
{
    /// <summary>Compares the header of the replica's newest file with a pin.</summary>
    /// <param name="head">The header.</param>
    /// <param name="pinned">The pin.</param>
    public static ReplicaReach Of(in LtxHeader head, in WalPosition pinned)
    {
        bool known = (head.WalSalt1 | head.WalSalt2) != 0;
        if (head.PageSize != pinned.PageSize || !known || !pinned.HasGeneration)
        {
            return new ReplicaReach(Holds: false, MayEqual: head.PageSize == pinned.PageSize);
        }

        if (head.WalSalt1 == pinned.Salt1 && head.WalSalt2 == pinned.Salt2)
        {
            return new ReplicaReach(head.WalOffset + head.WalSize >= pinned.EndOffset, MayEqual: false);
        }

        // Salt-1 grows by one at each reset. While we are pinned there can be one reset only, so a later generation is the next.
        bool later = (int)(head.WalSalt1 - pinned.Salt1) > 0;
        return new ReplicaReach(Holds: later, MayEqual: !later);
    }
}
