using Litestream.Storage;

namespace Litestream.Legacy;

/// <summary>What Litestream 0.3 left at a replica's place.</summary>
/// <remarks>
/// A snapshot is the database file at a time when the WAL of its index may have been copied into it in part; all of that WAL follows
/// as segments. So the state after a segment is the snapshot, with every WAL from its index on copied into it in turn, the last one
/// up to the segment's end. Segments count up to the first that is too young, also where a later one claims to be older: nothing in
/// the middle is ever left out.
/// </remarks>
internal sealed class LegacyReplica
{
    private readonly string _source;
    private readonly List<LegacyFile> _snapshots;
    private readonly ILookup<string, LegacyFile> _segments;

    private LegacyReplica(string source, IEnumerable<LegacyFile> files)
    {
        _source = source;
        ILookup<bool, LegacyFile> kinds = files.ToLookup(file => file.Offset is null);
        _snapshots = [.. kinds[true].OrderBy(file => file.Timestamp).ThenBy(file => file.Index)];
        _segments = kinds[false].OrderBy(file => file.Index).ThenBy(file => file.Offset).ToLookup(file => file.Generation);
    }

    /// <summary>When its oldest snapshot was written (UTC); null if there is none.</summary>
    public DateTimeOffset? From => _snapshots is [{ } first, ..] ? first.Timestamp : null;

    /// <summary>Lists a place; null if it holds no file of Litestream 0.3, or is of a kind that never did.</summary>
    /// <param name="store">The place.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public static async Task<LegacyReplica?> FindAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        if (store is not IRawObjects objects)
        {
            return null;
        }

        IReadOnlyList<RawObject> listed = await objects.ListRawAsync(LegacyFile.Root, cancellationToken).ConfigureAwait(false);
        List<LegacyFile> files = [.. listed.Select(item => LegacyFile.Parse(item.Name, item.Size, item.Modified)).OfType<LegacyFile>()];
        return files.Count == 0 ? null : new LegacyReplica(store.Location, files);
    }

    /// <summary>Chooses the newest snapshot and the segments after it; null if there is no snapshot so old.</summary>
    /// <param name="time">Nothing that was written after this time; null for the newest.</param>
    /// <exception cref="LegacyGapException">Segments before that time are missing.</exception>
    public LegacyPlan? Plan(DateTimeOffset? time)
    {
        LegacyFile? snapshot = _snapshots.LastOrDefault(file => !(file.Timestamp > time));
        if (snapshot is null)
        {
            return null;
        }

        List<LegacyFile> chain = [];
        DateTimeOffset newest = snapshot.Timestamp;
        foreach (LegacyFile segment in _segments[snapshot.Generation].Where(file => file.Index >= snapshot.Index).TakeWhile(file => !(file.Timestamp > time)))
        {
            if (!Continues(snapshot, chain, segment))
            {
                throw LegacyFailure.Gap(_source, segment, chain is [.., { } last] ? last : snapshot, newest);
            }

            chain.Add(segment);
            newest = segment.Timestamp > newest ? segment.Timestamp : newest;
        }

        return new LegacyPlan(_source, snapshot, chain, newest);
    }

    // How long a segment is, and so whether the next one of the same WAL joins it, shows only when it is read.
    private static bool Continues(LegacyFile snapshot, List<LegacyFile> chain, LegacyFile segment) => chain is [.., { } last]
        ? segment.Index == last.Index || (segment.Index == last.Index + 1 && segment.Offset == 0)
        : segment.Index == snapshot.Index && segment.Offset == 0;
}
