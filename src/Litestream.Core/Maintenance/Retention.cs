using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Says which files of a replica are no longer needed. A pure function of what the catalogue knows and the time.</summary>
/// <remarks>
/// What must stay: for every time inside the snapshot retention, a full image at or before it and a chain from there. So the newest
/// image that is at least as old as the retention stays, the floor, with everything behind it; what ends at or before the floor may
/// go. As long as no image is that old, all stay. A captured file may go earlier: when a file of level 1 covers it and some time has
/// passed since the end of that one. Not since its own: without the first captures of a merge, the later ones lead nowhere. The newest file of a level always stays: it tells where the level goes on, and that of level 0 tells the next start, and
/// Litestream, where the replica ends.
/// </remarks>
public static class Retention
{
    /// <summary>The image that the beginning of the window is restored from; null while none is old enough.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static ReplicaFile? Floor(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(options);
        return catalogue.Level(LtxFileName.SnapshotLevel)
            .LastOrDefault(image => now - image.Timestamp >= options.SnapshotRetention && catalogue.IsSound(image) != false);
    }

    /// <summary>Files that are not needed any more because the floor is a full image, in the order to delete them.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="floor">The floor, known to be sound.</param>
    /// <remarks>Older images first: once they are gone, a crash leaves files that no restore looks at, and no gap.</remarks>
    public static IReadOnlyList<ReplicaFile> BelowFloor(ReplicaCatalogue catalogue, ReplicaFile floor)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(floor);
        List<ReplicaFile> below = [];
        for (int level = LtxFileName.SnapshotLevel; level >= 0; level--)
        {
            ReplicaFile? newest = catalogue.Newest(level);
            below.AddRange(catalogue.UpTo(level, floor.Name.MaxTxid).Where(file => file != newest && file != floor));
        }

        return below;
    }

    /// <summary>Captured files that are old enough, each with the merged file that covers it.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static IReadOnlyList<(ReplicaFile Capture, ReplicaFile Merge)> Covered(
        ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(options);
        List<(ReplicaFile, ReplicaFile)> covered = [];
        IReadOnlyList<ReplicaFile> captures = catalogue.Level(0);
        foreach (ReplicaFile capture in captures)
        {
            if (capture != captures[^1]
                && catalogue.Covering(1, capture.Name) is { } merge
                && now - merge.Timestamp >= options.Level0Retention)
            {
                covered.Add((capture, merge));
            }
        }

        return covered;
    }
}
