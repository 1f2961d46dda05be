using Litestream.Legacy;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>The files that together give the database at one transaction id.</summary>
/// <param name="Source">The replica's place.</param>
/// <param name="Files">A full image, then what follows it, oldest first, without a gap; empty if <see cref="Legacy"/> is read.</param>
/// <param name="Txid">The transaction id that they lead to; 0 if <see cref="Legacy"/> is read.</param>
/// <param name="Timestamp">When that transaction was captured (UTC).</param>
public sealed record RestorePlan(string Source, IReadOnlyList<ReplicaFile> Files, ulong Txid, DateTimeOffset Timestamp)
{
    /// <summary>What is read instead: a replica that Litestream 0.3 left at the place, where it is the newer or the only one; else null.</summary>
    public LegacyPlan? Legacy { get; init; }

    /// <summary>When the other replica ends that stands at the place, of the other format, and was passed over as the older (UTC); else null.</summary>
    public DateTimeOffset? PassedOver { get; init; }

    /// <summary>How many files are read.</summary>
    public int FileCount => Legacy?.FileCount ?? Files.Count;

    /// <summary>Sum of the files' sizes in bytes.</summary>
    public long Bytes => Legacy?.Bytes ?? Files.Sum(file => file.Size);
}
