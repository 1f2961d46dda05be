using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>The files that together give the database at one transaction id.</summary>
/// <param name="Source">The replica's place.</param>
/// <param name="Files">A full image, then what follows it, oldest first, without a gap.</param>
/// <param name="Txid">The transaction id that they lead to.</param>
/// <param name="Timestamp">When that transaction was captured (UTC).</param>
public sealed record RestorePlan(string Source, IReadOnlyList<ReplicaFile> Files, ulong Txid, DateTimeOffset Timestamp)
{
    /// <summary>Sum of the files' sizes in bytes.</summary>
    public long Bytes => Files.Sum(file => file.Size);
}
