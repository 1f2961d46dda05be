namespace Litestream.Legacy;

/// <summary>The files of Litestream 0.3 that together give the database at one time.</summary>
/// <param name="Source">The replica's place.</param>
/// <param name="Snapshot">The database file to begin with.</param>
/// <param name="Segments">Parts of the WALs from the snapshot's on, in their order, without a gap as far as their names tell.</param>
/// <param name="Timestamp">When the newest of the files was written (UTC).</param>
public sealed record LegacyPlan(string Source, LegacyFile Snapshot, IReadOnlyList<LegacyFile> Segments, DateTimeOffset Timestamp)
{
    /// <summary>Whether the segments are known to reach as far as the snapshot does; if not, SQLite has to check the result.</summary>
    public bool IsSettled { get; init; }

    /// <summary>The last time before a file that can be restored, or null.</summary>
    internal Func<LegacyFile, DateTimeOffset?> LastGoodBefore { get; init; } = static _ => null;

    /// <summary>Sum of the files' sizes in bytes.</summary>
    public long Bytes => Snapshot.Size + Segments.Sum(file => file.Size);

    /// <summary>How many files.</summary>
    public int FileCount => Segments.Count + 1;
}
