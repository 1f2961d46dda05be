using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>How the captured files of a replica stand to retention.</summary>
/// <param name="Eligible">Covered by a merge, and old enough to go.</param>
/// <param name="NotMerged">Covered by no merge yet.</param>
/// <param name="TooRecent">Covered, but kept for a while.</param>
internal readonly record struct RetentionCount(int Eligible, int NotMerged, int TooRecent)
{
    /// <summary>Counts them.</summary>
    /// <param name="catalogue">What the replica holds.</param>
    /// <param name="options">How long to keep.</param>
    /// <param name="now">The time (UTC).</param>
    public static RetentionCount Of(ReplicaCatalogue catalogue, MaintenanceOptions options, DateTimeOffset now)
    {
        IReadOnlyList<ReplicaFile> captures = catalogue.Level(0);
        int eligible = Retention.Covered(catalogue, options, now).Count;
        int merged = captures.Count(capture => catalogue.Covering(1, capture.Name) is not null);
        return new RetentionCount(eligible, captures.Count - merged, merged - eligible);
    }
}
