using Litestream.Storage;

namespace Litestream.Legacy;

/// <summary>What Litestream 0.3 left at a replica's place.</summary>
/// <remarks>
/// A snapshot is the database file at a time when the WAL of its index may have been copied into it in part; all of that WAL follows
/// as segments. So the state after a segment is the snapshot, with every WAL from its index on copied into it in turn, the last one
/// up to the segment's end. Segments count up to the first that is too young, also where a later one claims to be older: nothing in
/// the middle is ever left out.
/// <para>
/// A snapshot can be ahead of the segments: what SQLite had copied into the file from the WAL of its index may have been sent only after
/// it. Older frames on top of that would be a mixture of two states, as Litestream itself restores it there. So a snapshot is taken only
/// if the segments go on to the next index, or to the third one that was written after it: the first may have been on its way already when
/// the snapshot was, the second was read from the WAL after that, the third after the second was sent. Otherwise an older snapshot leads to
/// the same state; where there is none, SQLite has to check the result.
/// </para>
/// </remarks>
internal sealed class LegacyReplica
{
    private const int SegmentsToSettle = 3;

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
    public DateTimeOffset? Begin => _snapshots is [{ } first, ..] ? first.Timestamp : null;

    /// <summary>When the newest file was written that is no younger than a time (UTC); null if there is none.</summary>
    /// <param name="time">The time; null for any.</param>
    public DateTimeOffset? NewestBy(DateTimeOffset? time) =>
        _snapshots.Concat(_segments.SelectMany(generation => generation)).Where(file => !(file.Timestamp > time)).Max(file => (DateTimeOffset?)file.Timestamp);

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
        LegacyFile? newest = _snapshots.LastOrDefault(file => !(file.Timestamp > time));
        if (newest is null)
        {
            return null;
        }

        LegacyPlan plan = Plan(newest, time);
        return plan.IsSettled ? plan : OlderPlan(newest, time) ?? plan;
    }

    /// <summary>The files with whose times something new can be restored, oldest first.</summary>
    public IEnumerable<LegacyFile> Instants()
    {
        for (int i = 0; i < _snapshots.Count; i++)
        {
            // Until the next snapshot, of whatever generation, this one counts.
            DateTimeOffset? until = i + 1 < _snapshots.Count ? _snapshots[i + 1].Timestamp : null;
            foreach (LegacyFile file in Instants(_snapshots[i], until))
            {
                yield return file;
            }
        }
    }

    private List<LegacyFile> Instants(LegacyFile snapshot, DateTimeOffset? until)
    {
        List<LegacyFile> instants = [snapshot];
        LegacyFile last = snapshot;
        foreach (LegacyFile segment in From(snapshot).TakeWhile(file => !(file.Timestamp >= until)))
        {
            if (!Continues(last, segment))
            {
                instants.RemoveAll(file => file.Timestamp >= segment.Timestamp);
                break;
            }

            last = segment;
            if (segment.Timestamp > instants[^1].Timestamp)
            {
                instants.Add(segment);
            }
        }

        return instants;
    }

    /// <summary>The last time before a file that can be restored, or null.</summary>
    private DateTimeOffset? LastGoodBefore(LegacyFile file) => Instants().LastOrDefault(instant => instant.Timestamp < file.Timestamp)?.Timestamp;

    private LegacyPlan? OlderPlan(LegacyFile newest, DateTimeOffset? time)
    {
        foreach (LegacyFile snapshot in _snapshots
            .Where(file => file.Generation == newest.Generation && file.Index < newest.Index && file.Timestamp <= newest.Timestamp)
            .OrderByDescending(file => file.Index))
        {
            try
            {
                if (Plan(snapshot, time) is { IsSettled: true } plan)
                {
                    return plan;
                }
            }
            catch (LegacyGapException)
            {
                // It leads nowhere; the newest does not need what is missing here.
            }
        }

        return null;
    }

    private LegacyPlan Plan(LegacyFile snapshot, DateTimeOffset? time)
    {
        List<LegacyFile> chain = [];
        DateTimeOffset newest = snapshot.Timestamp;
        foreach (LegacyFile segment in From(snapshot).TakeWhile(file => !(file.Timestamp > time)))
        {
            LegacyFile last = chain is [.., { } before] ? before : snapshot;
            if (!Continues(last, segment))
            {
                throw LegacyFailure.Gap(_source, segment, last, LastGoodBefore(segment));
            }

            chain.Add(segment);
            newest = segment.Timestamp > newest ? segment.Timestamp : newest;
        }

        return new LegacyPlan(_source, snapshot, chain, newest) { IsSettled = IsSettled(snapshot, chain), LastGoodBefore = LastGoodBefore };
    }

    private static bool IsSettled(LegacyFile snapshot, List<LegacyFile> chain) => chain is [.., { } last]
        && (last.Index > snapshot.Index || chain.Count(segment => segment.Timestamp > snapshot.Timestamp) >= SegmentsToSettle);

    private IEnumerable<LegacyFile> From(LegacyFile snapshot) => _segments[snapshot.Generation].Where(file => file.Index >= snapshot.Index);

    // How long a segment is, and so whether the next one of the same WAL joins it, shows only when it is read.
    private static bool Continues(LegacyFile last, LegacyFile segment) => segment.Offset == 0
        ? segment.Index == (last.Offset is null ? last.Index : last.Index + 1)
        : segment.Index == last.Index && last.Offset is not null;
}
