using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>
/// Chooses the files that give a database at one transaction: a full image, then whatever carries it on furthest.
/// </summary>
/// <remarks>
/// A file of transactions a to b holds, as they are at b, all pages changed in a to b. So it may be applied to any state from
/// a - 1 to b: pages changed before that state are in it in their state at b too, and all others are the same at both. Hence
/// files may overlap, within a level and across levels, and the newest full image with the greatest reach at each step gets
/// to every transaction that any choice gets to: what a chain from an older image uses to pass this image, can be used from it.
/// </remarks>
internal static class RestorePlanner
{
    // Full images outside level 9 are looked for only when nothing else leads to the target, and only so far back.
    private const int MaxProbes = 1000;

    /// <summary>Lists a replica and plans.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="target">Last transaction id; null for the newest.</param>
    /// <param name="time">Instead of a transaction id: the newest that can be restored at or before this time; null for any.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing.</exception>
    internal static async Task<RestorePlan> PlanAsync(
        IReplicaStore store, ulong? target, DateTimeOffset? time, CancellationToken cancellationToken)
    {
        if (time is { } moment)
        {
            return PlanAt(store.Location, await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false), moment);
        }

        // The times choose nothing then: the one that is shown is asked for when the plan stands.
        List<ReplicaFile> files = await ReplicaListing.ReadRoughlyAsync(store, cancellationToken).ConfigureAwait(false);
        try
        {
            return await TimedAsync(Plan(store.Location, files, target)).ConfigureAwait(false);
        }
        catch (LitestreamException e) when (files.Count > 0 && e is ReplicaNotFoundException or ReplicaGapException)
        {
            ReplicaFile? image = await FindImageAsync(store, files, target, cancellationToken).ConfigureAwait(false);
            if (image is null)
            {
                throw;
            }

            return await TimedAsync(Plan(store.Location, files, target, image)).ConfigureAwait(false);
        }

        async Task<RestorePlan> TimedAsync(RestorePlan plan) =>
            plan with { Timestamp = await store.TimeOfAsync(plan.Files[^1], cancellationToken).ConfigureAwait(false) };
    }

    /// <summary>Plans the newest transaction that can be restored at or before a time.</summary>
    /// <param name="source">The replica's place, for errors and the plan.</param>
    /// <param name="files">Its files, in any order.</param>
    /// <param name="time">The time.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored, or nothing so old.</exception>
    internal static RestorePlan PlanAt(string source, IReadOnlyCollection<ReplicaFile> files, DateTimeOffset time)
    {
        if (files.Count == 0)
        {
            throw NoReplica(source);
        }

        var points = RestorePoints.Of(source, files);
        return points.AtOrBefore(time) is { } point ? Plan(source, files, point.Txid) : throw TooEarly(points, files, time);
    }

    /// <summary>Plans from a listing.</summary>
    /// <param name="source">The replica's place, for errors and the plan.</param>
    /// <param name="files">Its files, in any order.</param>
    /// <param name="target">Last transaction id, exactly; null for the newest of all files.</param>
    /// <param name="image">A file outside level 9 that is known to hold every page, or null.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing.</exception>
    internal static RestorePlan Plan(string source, IReadOnlyCollection<ReplicaFile> files, ulong? target, ReplicaFile? image = null)
    {
        if (files.Count == 0)
        {
            throw NoReplica(source);
        }

        ulong newest = files.Max(file => file.Name.MaxTxid);
        ulong goal = target ?? newest;
        var eligible = files.Where(file => file.Name.MaxTxid <= goal).ToList();
        ReplicaFile start = FindBase(eligible, image) ?? throw NoBase(source, files, goal);
        List<ReplicaFile> chain = [start, .. Follow(start.Name.MaxTxid, eligible)];
        ReplicaFile last = chain[^1];
        return last.Name.MaxTxid == goal
            ? new RestorePlan(source, chain, goal, last.Timestamp)
            : throw Gap(source, files, last.Name.MaxTxid, goal, newest);
    }

    private static ReplicaFile? FindBase(List<ReplicaFile> eligible, ReplicaFile? image)
    {
        ReplicaFile? best = null;
        foreach (ReplicaFile file in eligible)
        {
            if (file.Level == LtxFileName.SnapshotLevel && IsBetterBase(file, best))
            {
                best = file;
            }
        }

        if (image is not null && IsBetterBase(image, best))
        {
            best = image;
        }

        // A file that begins with transaction 1 holds every page too, at whatever level.
        return best ?? eligible.Where(file => file.Name.MinTxid == 1).OrderByDescending(file => file.Name.MaxTxid).ThenBy(file => file.Size)
            .FirstOrDefault();
    }

    private static bool IsBetterBase(ReplicaFile file, ReplicaFile? best) =>
        best is null
        || file.Name.MaxTxid > best.Name.MaxTxid
        || (file.Name.MaxTxid == best.Name.MaxTxid && file.Size < best.Size);

    private static IEnumerable<ReplicaFile> Follow(ulong current, List<ReplicaFile> eligible)
    {
        var candidates = new Queue<ReplicaFile>(eligible.Where(file => file.Name.MaxTxid > current).OrderBy(file => file.Name.MinTxid));
        ReplicaFile? best = null;
        while (true)
        {
            while (candidates.TryPeek(out ReplicaFile? next) && next.Name.MinTxid - 1 <= current)
            {
                candidates.Dequeue();
                if (best is null
                    || next.Name.MaxTxid > best.Name.MaxTxid
                    || (next.Name.MaxTxid == best.Name.MaxTxid && next.Size < best.Size))
                {
                    best = next;
                }
            }

            if (best is null || best.Name.MaxTxid <= current)
            {
                yield break;
            }

            current = best.Name.MaxTxid;
            yield return best;
        }
    }

    /// <summary>
    /// Looks into the newest files outside level 9 for one that holds every page. Only the newest such image matters: where it
    /// does not lead, none before it does.
    /// </summary>
    internal static async Task<ReplicaFile?> FindImageAsync(
        IReplicaStore store, List<ReplicaFile> files, ulong? target, CancellationToken cancellationToken)
    {
        IEnumerable<ReplicaFile> candidates = files
            .Where(file => file.Level != LtxFileName.SnapshotLevel && file.Name.MaxTxid <= (target ?? ulong.MaxValue))
            .OrderByDescending(file => file.Name.MaxTxid)
            .ThenBy(file => file.Size)
            .Take(MaxProbes);
        foreach (ReplicaFile file in candidates)
        {
            try
            {
                if (await HoldsEveryPageAsync(store, file, cancellationToken).ConfigureAwait(false))
                {
                    return file;
                }
            }
            catch (Exception e) when (e is LtxFormatException or ReplicaFileNotFoundException)
            {
                // It can be no base. That there is none, or a gap, is what the caller is told.
            }
        }

        return null;
    }

    private static async Task<bool> HoldsEveryPageAsync(IReplicaStore store, ReplicaFile file, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[LtxHeader.Length];
        string name = PlannedFiles.Label(file);
        int length;
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, bytes.Length, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        }

        LtxHeader header = LtxHeader.Parse(bytes.AsSpan(0, length), name);
        LtxPageIndex index = await LtxPageIndex.ReadAsync(
            (offset, count, cancel) => store.OpenReadAsync(file.Level, file.Name, offset, count, cancel),
            file.Size,
            header,
            name,
            cancellationToken).ConfigureAwait(false);
        return index.HoldsEveryPage(header);
    }

    /// <summary>The error for a place without a single replica file.</summary>
    internal static ReplicaNotFoundException NoReplica(string source) => new(
        $"There is no replica at '{source}': no file of it lists. Nothing was changed. Check the place; the file "
        + "names end in .ltx and stand in numbered folders. (What Litestream 0.3 wrote, a folder 'generations', can be restored and nothing else.)")
    { Replica = source };

    private static ReplicaNotFoundException TooEarly(RestorePoints points, IReadOnlyCollection<ReplicaFile> files, DateTimeOffset time)
    {
        if (points.All is not [{ } first, ..])
        {
            return NoBase(points.Source, files, files.Max(file => file.Name.MaxTxid));
        }

        return new ReplicaNotFoundException(string.Create(
            CultureInfo.InvariantCulture,
            $"The replica at '{points.Source}' cannot give the state of {time.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC: the oldest that it can give is of "
            + $"{first.Timestamp.UtcDateTime:yyyy-MM-dd HH:mm:ss.fff} UTC (transaction {first.Txid}). Nothing was changed. Name a later time."))
        {
            Replica = points.Source,
            Txid = first.Txid,
        };
    }

    private static ReplicaNotFoundException NoBase(string source, IReadOnlyCollection<ReplicaFile> files, ulong goal)
    {
        ulong? oldest = files.Where(file => file.Level == LtxFileName.SnapshotLevel).Select(file => (ulong?)file.Name.MaxTxid).Min();
        string message = oldest is { } first
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The replica at '{source}' cannot give transaction {goal}: its oldest full image is of transaction {first}. "
                + $"Nothing was changed. Restore transaction {first} or a later one.")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The replica at '{source}' has {files.Count} files, but none of them is a full image to begin with. Nothing was "
                + $"changed. Start the replication of the live database again, or look for a copy of the folder that has level 9.");
        return new ReplicaNotFoundException(message) { Replica = source, Txid = goal };
    }

    private static ReplicaGapException Gap(string source, IReadOnlyCollection<ReplicaFile> files, ulong reached, ulong goal, ulong newest)
    {
        ulong missing = reached + 1;
        string what = goal > newest
            ? $"the replica ends with transaction {newest}"
            : files.Any(file => file.Name.MinTxid <= missing && file.Name.MaxTxid >= missing)
                ? $"transactions {missing} and on are merged with some after {goal}, and can no longer be told apart"
                : $"no file holds transaction {missing}";
        RestorePoint? after = RestorePoints.Of(source, files).All.FirstOrDefault(point => point.Txid > goal);
        string next = after is null ? "" : string.Create(CultureInfo.InvariantCulture, $", the first after it transaction {after.Txid}");
        return new ReplicaGapException(string.Create(
            CultureInfo.InvariantCulture,
            $"The replica at '{source}' cannot give transaction {goal}: {what}. Nothing was changed. "
            + $"The last good point before it is transaction {reached}{next}; restore {(after is null ? "that one" : "one of them")} by naming it."))
        {
            Replica = source,
            Txid = missing,
        };
    }
}
