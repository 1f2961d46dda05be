using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>
/// What a replica holds, known without asking it: listed once, then kept by whoever writes to it, who is alone with it.
/// Safe for several threads.
/// </summary>
public sealed class ReplicaCatalogue
{
    private readonly Lock _gate = new();
    private readonly SortedSet<ReplicaFile>[] _levels;

    /// <summary>Begins with a listing.</summary>
    /// <param name="files">All files of the replica.</param>
    public ReplicaCatalogue(IEnumerable<ReplicaFile> files)
    {
        var byName = Comparer<ReplicaFile>.Create((left, right) => left.Name.CompareTo(right.Name));
        _levels = [.. Enumerable.Range(0, LtxFileName.SnapshotLevel + 1).Select(_ => new SortedSet<ReplicaFile>(byName))];
        foreach (ReplicaFile file in files)
        {
            _levels[file.Level].Add(file);
        }
    }

    /// <summary>The files of a level, in order.</summary>
    /// <param name="level">0 to 9.</param>
    public IReadOnlyList<ReplicaFile> Level(int level)
    {
        lock (_gate)
        {
            return [.. _levels[level]];
        }
    }

    /// <summary>The newest file of a level, or null.</summary>
    /// <param name="level">0 to 9.</param>
    public ReplicaFile? Newest(int level)
    {
        lock (_gate)
        {
            return _levels[level].Max;
        }
    }

    /// <summary>Files of a level that begin behind a transaction, in order, at most so many.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="txid">The transaction id.</param>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<ReplicaFile> Behind(int level, ulong txid, int most)
    {
        lock (_gate)
        {
            return [.. _levels[level].Where(file => file.Name.MinTxid > txid).Take(most)];
        }
    }

    /// <summary>A file was written.</summary>
    /// <param name="file">The file.</param>
    public void Add(ReplicaFile file)
    {
        lock (_gate)
        {
            _levels[file.Level].Remove(file);
            _levels[file.Level].Add(file);
        }
    }

    /// <summary>A file was deleted.</summary>
    /// <param name="file">The file.</param>
    public void Remove(ReplicaFile file)
    {
        lock (_gate)
        {
            _levels[file.Level].Remove(file);
        }
    }
}
