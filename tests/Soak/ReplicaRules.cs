using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>What must hold of the files of a replica, whatever is in them.</summary>
internal static class ReplicaRules
{
    private const int SnapshotLevel = 9;

    // Maintenance comes round at its own pace, on a loaded machine late.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(60);

    /// <summary>Checks a listing.</summary>
    /// <exception cref="SoakFailure">A rule is broken.</exception>
    public static void Check(SoakedDatabase database, IReadOnlyList<ReplicaEntry> files, MaintenancePace pace, Disturbances disturbances)
    {
        foreach (IGrouping<int, ReplicaEntry> level in files.Where(file => file.Level != SnapshotLevel).GroupBy(file => file.Level))
        {
            CheckContiguity(database, files, [.. level.OrderBy(file => file.MinTxid)]);
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        TimeSpan longest = pace.Level0 + (2 * pace.Levels[0]) + Slack;
        ReplicaEntry? forgotten = files.FirstOrDefault(file => file.Level == 0 && now - file.Timestamp > longest);
        if (forgotten is not null && !disturbances.Since(now - longest))
        {
            throw new SoakFailure("retention", $"{database.Name}: level 0 still holds {forgotten.Name} of {forgotten.Timestamp:O}; it is kept for {pace.Level0}.");
        }

        TimeSpan oldest = pace.Retention + (2 * pace.Snapshot) + Slack;
        int old = files.Count(file => file.Level == SnapshotLevel && now - file.Timestamp > oldest);
        if (old > 1 && !disturbances.Since(now - longest))
        {
            throw new SoakFailure("retention", $"{database.Name}: {old} full images are older than {oldest}; retention is {pace.Retention}.");
        }
    }

    /// <summary>What killed writes left behind must be gone once the replicator has ended in order. A replica in a folder only.</summary>
    /// <exception cref="SoakFailure">Something is left.</exception>
    public static void CheckLeftovers(SoakedDatabase database)
    {
        string state = Path.Combine(Path.GetDirectoryName(database.Path)!, $".{Path.GetFileName(database.Path)}-litestream");
        string? left = new[] { database.Replica, state }.Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.tmp", SearchOption.AllDirectories)).FirstOrDefault();
        if (left is not null)
        {
            throw new SoakFailure("leftover", $"{database.Name}: '{left}' is left of a write that was cut off, though the replicator has ended in order since.");
        }
    }

    private static void CheckContiguity(SoakedDatabase database, IReadOnlyList<ReplicaEntry> all, ReplicaEntry[] level)
    {
        for (int i = 1; i < level.Length; i++)
        {
            ReplicaEntry before = level[i - 1];
            ReplicaEntry file = level[i];

            // After a full image that was sent as a new beginning a level may go on behind it.
            bool bridged = all.Any(image => image.Level == SnapshotLevel && image.MaxTxid == file.MinTxid - 1);
            if (file.MinTxid != before.MaxTxid + 1 && !(file.MinTxid > before.MaxTxid && bridged))
            {
                throw new SoakFailure("contiguity", string.Create(
                    CultureInfo.InvariantCulture, $"{database.Name}: level {file.Level} goes from {before.Name} to {file.Name}."));
            }
        }
    }
}
