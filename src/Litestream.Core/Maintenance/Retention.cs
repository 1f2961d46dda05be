using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Says which files of a replica are no longer needed. A pure function of what the replica holds and the time.</summary>
/// <remarks>
/// What must stay: for every time inside the snapshot retention, a full image at or before it and a chain from there. So the newest
/// image that is older than the retention stays too, with everything behind it, and the newest image always. A captured file
/// may go when a file of level 1 covers it, some time has passed, and it is not the newest: the newest tells the next start,
/// and Litestream, where the replica ends.
/// </remarks>
public static class Retention
{
    /// <summary>Full images that are not needed any more.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static IReadOnlyList<ReplicaFile> ExpiredImages(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ulong floor = FloorTxid(catalogue, options, now);
        return [.. catalogue.Level(LtxFileName.SnapshotLevel).Where(image => image.Name.MaxTxid < floor)];
    }

    /// <summary>Merged files that end before the oldest full image that is needed.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static IReadOnlyList<ReplicaFile> ExpiredMerges(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ulong floor = FloorTxid(catalogue, options, now);
        List<ReplicaFile> expired = [];
        for (int level = 1; level < LtxFileName.SnapshotLevel; level++)
        {
            IReadOnlyList<ReplicaFile> files = catalogue.Level(level);
            expired.AddRange(files.Where(file => file.Name.MaxTxid <= floor && file != files[^1]));
        }

        return expired;
    }

    /// <summary>Captured files that level 1 covers and that are old enough.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static IReadOnlyList<ReplicaFile> ExpiredCaptures(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ulong merged = catalogue.Newest(1)?.Name.MaxTxid ?? 0;
        IReadOnlyList<ReplicaFile> files = catalogue.Level(0);
        return [.. files.Where(file =>
            file.Name.MaxTxid <= merged && file.Timestamp + options.Level0Retention <= now && file != files[^1])];
    }

    /// <summary>The transaction of the oldest full image that is needed; 0 if there is none.</summary>
    private static ulong FloorTxid(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        ulong floor = 0;
        foreach (ReplicaFile image in catalogue.Level(LtxFileName.SnapshotLevel).OrderBy(image => image.Name.MaxTxid))
        {
            if (floor == 0 || image.Timestamp + options.SnapshotRetention <= now)
            {
                floor = image.Name.MaxTxid;
            }
        }

        return floor;
    }
}
