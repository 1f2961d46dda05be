using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>
/// What a replica holds, known without asking it: listed once, then kept by whoever writes to it, who is alone with it.
/// Safe for several threads.
/// </summary>
/// <remarks>
/// A file of a listing is there, but was not read. Before another is deleted because of it, it is; what is known then of its
/// soundness is kept here, so that no file is read twice for it. One that was found damaged is never again a reason to delete.
/// </remarks>
public sealed class ReplicaCatalogue
{
    private readonly Lock _gate = new();
    private readonly SortedSet<ReplicaFile>[] _levels;
    private readonly Dictionary<(int Level, LtxFileName Name), bool> _sound = [];

    /// <summary>Begins with a listing.</summary>
    /// <param name="files">All files of the replica.</param>
    public ReplicaCatalogue(IEnumerable<ReplicaFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        _levels = [.. Enumerable.Range(0, LtxFileName.SnapshotLevel + 1).Select(_ => new SortedSet<ReplicaFile>(ByEnd))];
        foreach (ReplicaFile file in files)
        {
            _levels[file.Level].Add(file);
        }
    }

    // By last, then by first transaction id: where files overlap, the newest is the one that reaches furthest.
    private static Comparer<ReplicaFile> ByEnd { get; } = Comparer<ReplicaFile>.Create((left, right) =>
        (left.Name.MaxTxid, left.Name.MinTxid).CompareTo((right.Name.MaxTxid, right.Name.MinTxid)));

    /// <summary>The files of a level, by last, then by first transaction id.</summary>
    /// <param name="level">0 to 9.</param>
    public IReadOnlyList<ReplicaFile> Level(int level)
    {
        lock (_gate)
        {
            return [.. _levels[level]];
        }
    }

    /// <summary>The file of a level that reaches furthest, or null.</summary>
    /// <param name="level">0 to 9.</param>
    public ReplicaFile? Newest(int level)
    {
        lock (_gate)
        {
            return _levels[level].Max;
        }
    }

    /// <summary>The last transaction id of all levels; 0 if there is no file.</summary>
    public ulong HeadTxid
    {
        get
        {
            lock (_gate)
            {
                return _levels.Max(level => level.Max?.Name.MaxTxid ?? 0);
            }
        }
    }

    /// <summary>Files of a level that reach beyond a transaction, in order, at most so many.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="txid">The transaction id.</param>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<ReplicaFile> Beyond(int level, ulong txid, int most)
    {
        lock (_gate)
        {
            return txid == ulong.MaxValue ? [] : [.. Between(level, txid + 1, ulong.MaxValue).Take(most)];
        }
    }

    /// <summary>Files of a level that end at or before a transaction, in order.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="txid">The transaction id.</param>
    public IReadOnlyList<ReplicaFile> UpTo(int level, ulong txid)
    {
        lock (_gate)
        {
            return [.. Between(level, 0, txid)];
        }
    }

    /// <summary>A file of a level that holds every transaction of a range and was not found damaged, or null.</summary>
    /// <param name="level">0 to 9.</param>
    /// <param name="range">The range.</param>
    public ReplicaFile? Covering(int level, LtxFileName range)
    {
        lock (_gate)
        {
            return Between(level, range.MaxTxid, ulong.MaxValue)
                .FirstOrDefault(file => file.Name.MinTxid <= range.MinTxid && _sound.GetValueOrDefault((level, file.Name), true));
        }
    }

    /// <summary>Whether a file is known to be sound (true) or damaged (false); null if it was not read.</summary>
    /// <param name="file">The file.</param>
    public bool? IsSound(ReplicaFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        lock (_gate)
        {
            return _sound.TryGetValue((file.Level, file.Name), out bool sound) ? sound : null;
        }
    }

    /// <summary>A file was read: it is sound, or it is damaged.</summary>
    /// <param name="file">The file.</param>
    /// <param name="sound">Whether its checksum was met.</param>
    public void Judge(ReplicaFile file, bool sound)
    {
        ArgumentNullException.ThrowIfNull(file);
        lock (_gate)
        {
            _sound[(file.Level, file.Name)] = sound;
        }
    }

    /// <summary>A file was written.</summary>
    /// <param name="file">The file.</param>
    public void Add(ReplicaFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        lock (_gate)
        {
            Forget(file);
            _levels[file.Level].Add(file);
        }
    }

    /// <summary>A file was deleted.</summary>
    /// <param name="file">The file.</param>
    public void Remove(ReplicaFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        lock (_gate)
        {
            Forget(file);
        }
    }

    private void Forget(ReplicaFile file)
    {
        _levels[file.Level].Remove(file);
        _sound.Remove((file.Level, file.Name));
    }

    private SortedSet<ReplicaFile> Between(int level, ulong first, ulong last) => _levels[level].GetViewBetween(
        new ReplicaFile(level, new LtxFileName(0, first), 0, default), new ReplicaFile(level, new LtxFileName(ulong.MaxValue, last), 0, default));
}
