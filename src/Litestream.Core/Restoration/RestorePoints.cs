using Litestream.Legacy;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Every instant that a replica can be restored to, as its files list.</summary>
/// <remarks>
/// An instant is the end of a file that a full image and an unbroken chain lead to. Files are taken in the order of their ends: the
/// last instant found before a file's end is the nearest there is, so the file continues the chain if it begins no later than
/// right behind that one.
/// </remarks>
public sealed class RestorePoints
{
    private RestorePoints(string source, IReadOnlyList<RestorePoint> all)
    {
        Source = source;
        All = all;
    }

    /// <summary>The replica's place.</summary>
    public string Source { get; }

    /// <summary>The instants, oldest first; empty if nothing can be restored.</summary>
    public IReadOnlyList<RestorePoint> All { get; }

    /// <summary>The beginning of the window that can be restored (UTC); null if nothing can be.</summary>
    public DateTimeOffset? From => All is [{ } first, ..] ? first.Timestamp : null;

    /// <summary>The end of the window that can be restored (UTC); null if nothing can be.</summary>
    public DateTimeOffset? To => All is [.., { } last] ? last.Timestamp : null;

    /// <summary>Lists a replica's instants.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">There is no file of a replica.</exception>
    public static async Task<RestorePoints> ListAsync(ReplicaLocation source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        IReplicaStore store = source.Open();
        await using (store.ConfigureAwait(false))
        {
            return await ListAsync(store, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Lists a replica's instants.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">There is no file of a replica.</exception>
    public static async Task<RestorePoints> ListAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        LegacyReplica? legacy = await LegacyReplica.FindAsync(store, cancellationToken).ConfigureAwait(false);
        if (files.Count == 0 && legacy is null)
        {
            throw RestorePlanner.NoReplica(store.Location);
        }

        RestorePoints points = await OfAsync(store, files, cancellationToken).ConfigureAwait(false);
        return legacy is null ? points : new RestorePoints(store.Location, [.. points.All.Concat(Of(legacy)).OrderBy(point => point.Timestamp)]);
    }

    private static async Task<RestorePoints> OfAsync(IReplicaStore store, List<ReplicaFile> files, CancellationToken cancellationToken)
    {
        RestorePoints points = Of(store.Location, files);
        if (files.Count == 0 || (points.All is [.., { } last] && last.Txid == files.Max(file => file.Name.MaxTxid)))
        {
            return points;
        }

        ReplicaFile? image = await RestorePlanner.FindImageAsync(store, files, target: null, cancellationToken).ConfigureAwait(false);
        return image is null ? points : Of(store.Location, files, image);
    }

    private static IEnumerable<RestorePoint> Of(LegacyReplica legacy) => legacy.Instants()
        .Select(file => new RestorePoint(0, file.Timestamp, file.Offset is null ? LtxFileName.SnapshotLevel : 0, file.Generation));

    /// <summary>The newest instant at or before a time, or null.</summary>
    /// <param name="time">The time.</param>
    public RestorePoint? AtOrBefore(DateTimeOffset time) => All.LastOrDefault(point => point.Timestamp <= time);

    /// <summary>The instants of a listing.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="files">Its files, in any order.</param>
    /// <param name="image">A file outside level 9 that is known to hold every page, or null.</param>
    internal static RestorePoints Of(string source, IEnumerable<ReplicaFile> files, ReplicaFile? image = null)
    {
        List<RestorePoint> points = [];
        foreach (IGrouping<ulong, ReplicaFile> ending in files.GroupBy(file => file.Name.MaxTxid).OrderBy(group => group.Key))
        {
            ulong? before = points is [.., { } last] ? last.Txid : null;
            if (ending.Any(file => IsBase(file) || file == image || file.Name.MinTxid - 1 <= before))
            {
                ReplicaFile lowest = ending.MinBy(file => file.Level)!;
                points.Add(new RestorePoint(ending.Key, lowest.Timestamp, lowest.Level));
            }
        }

        return new RestorePoints(source, points);
    }

    private static bool IsBase(ReplicaFile file) => file.Level == LtxFileName.SnapshotLevel || file.Name.MinTxid == 1;
}
