using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Reckons from the files of a replica what replicating to it asks of the store.</summary>
/// <remarks>
/// Files of level 0 go after minutes, but merges of them stay for a day or more and name all their transactions. So the lowest level
/// that reaches furthest back tells how many files there were below it; their size is that of the few that are left, or where none
/// is left, that of the merges, which are not larger than what they were made of.
/// </remarks>
public static class ReplicaMeter
{
    private static readonly TimeSpan UsualImageInterval = TimeSpan.FromHours(24);

    /// <summary>Lists a replica and reckons.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null if there is no replica.</returns>
    public static async Task<ReplicaUsage?> MeasureAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        return Reckon(await ReplicaListing.ReadRoughlyAsync(store, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Reckons.</summary>
    /// <param name="files">All files of a replica.</param>
    /// <returns>Null if there are none.</returns>
    public static ReplicaUsage? Reckon(IReadOnlyList<ReplicaFile> files)
    {
        if (files.Count == 0)
        {
            return null;
        }

        ReplicaFile[] changes = [.. files.Where(file => file.Level < LtxFileName.SnapshotLevel && file.Name.MinTxid > 1)];
        DateTimeOffset to = files.Max(file => file.Timestamp);
        DateTimeOffset from = changes.Length > 0 ? changes.Min(file => file.Timestamp) : to;
        ReplicaFile[] captured = [.. changes.Where(file => file.Level == 0)];
        ReplicaFile[] merged = [.. changes.Where(file => file.Level > 0)];
        double captures = changes.Length > 0 ? changes.Max(file => file.Name.MaxTxid) - changes.Min(file => file.Name.MinTxid) + 1 : 0;
        double mergedBytes = merged.Sum(file => (double)file.Size);
        double capturedBytes = captured.Length > 0
            ? captured.Average(file => (double)file.Size) * captures
            : merged.Where(file => file.Level == 1).Sum(file => (double)file.Size);
        (double images, double imageBytes) = Images(files, to - from);
        return new ReplicaUsage(
            from,
            to,
            files.Count,
            files.Sum(file => file.Size),
            captures,
            merged.Length,
            images,
            BytesWritten: capturedBytes + mergedBytes + imageBytes,
            BytesRead: capturedBytes + (2 * mergedBytes) + imageBytes); // each merge reads a level and is read back
    }

    private static (double Count, double Bytes) Images(IReadOnlyList<ReplicaFile> files, TimeSpan period)
    {
        ReplicaFile[] images = [.. files.Where(file => file.Level == LtxFileName.SnapshotLevel).OrderBy(file => file.Timestamp)];
        if (images.Length == 0)
        {
            return (0, 0);
        }

        TimeSpan apart = images.Length > 1 ? (images[^1].Timestamp - images[0].Timestamp) / (images.Length - 1) : UsualImageInterval;
        double count = apart > TimeSpan.Zero ? period / apart : images.Length;
        return (count, count * images.Average(file => (double)file.Size));
    }
}
