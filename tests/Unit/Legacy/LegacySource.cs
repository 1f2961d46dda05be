using K4os.Compression.LZ4.Streams;
using Litestream.Tests.Unit.Sqlite;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Legacy;

/// <summary>
/// A database whose replica is laid out as Litestream 0.3 does it: a snapshot of the file, then every commit's part of the WAL, a new index
/// each time that SQLite begins the WAL anew. What each file should lead to is found by SQLite itself: the slow twin.
/// </summary>
internal sealed class LegacySource : IDisposable
{
    private static readonly DateTime Begin = new(2026, 3, 4, 12, 0, 0, DateTimeKind.Utc);

    private readonly string _database;
    private readonly string _place;
    private readonly Application _application;
    private string _generation = "";
    private byte[] _snapshot = [];
    private byte[] _base = [];
    private uint _index;
    private int _sent;
    private int _minutes;

    public LegacySource(string database, string place, int pageSize = 4096)
    {
        (_database, _place) = (database, place);
        _application = Application.WithPages(database, pageSize);
        _application.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); CREATE INDEX i ON t(b)");
        _application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    }

    /// <summary>What the database is after each file, by the file's time.</summary>
    public List<(DateTimeOffset Time, byte[] Image, string File)> States { get; } = [];

    /// <summary>A time between that of a state and the next.</summary>
    public static TimeSpan Moment => TimeSpan.FromSeconds(30);

    public void Execute(string sql) => _application.Execute(sql);

    /// <summary>Begins a generation with a snapshot of the database file, at the beginning of a WAL.</summary>
    public void BeginGeneration(string generation)
    {
        _application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        (_generation, _index, _sent) = (generation, 0, 0);
        WriteSnapshot();
    }

    /// <summary>Writes the database file as it stands, the present WAL not being part of it.</summary>
    public void WriteSnapshot()
    {
        _snapshot = _base = WalSpecimen.ReadShared(_database);
        Write($"snapshots/{_index:x8}.snapshot.lz4", _snapshot, _snapshot);
    }

    /// <summary>Writes the database file with all of the present WAL in it, before the segments that hold it.</summary>
    public void WriteSnapshotAhead()
    {
        byte[] ahead = Apply(_base, WalSpecimen.ReadShared(_database + "-wal"));
        Write($"snapshots/{_index:x8}.snapshot.lz4", ahead, ahead);
    }

    /// <summary>Writes what the WAL has got since the last segment; less some frames of its end.</summary>
    public void WriteSegment(int heldBack = 0)
    {
        byte[] wal = WalSpecimen.ReadShared(_database + "-wal");
        int frame = 24 + (int)_application.Query("PRAGMA page_size");
        int end = wal.Length - (heldBack * frame);
        Write($"wal/{_index:x8}_{_sent:x8}.wal.lz4", wal[_sent..end], Apply(_base, wal[..end]));
        _sent = end;
    }

    /// <summary>Checkpoints, so that the next commit begins the WAL anew.</summary>
    public void NextIndex()
    {
        _base = Apply(_base, WalSpecimen.ReadShared(_database + "-wal"));
        _application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        _index++;
        _sent = 0;
    }

    public void Dispose() => _application.Dispose();

    /// <summary>Replaces the content of a file of the replica; its time stays.</summary>
    public void Replace(string file, Func<byte[], byte[]> change)
    {
        string path = PathOf(file);
        DateTime time = File.GetLastWriteTimeUtc(path);
        using MemoryStream content = new();
        using (LZ4DecoderStream frame = LZ4Stream.Decode(File.OpenRead(path)))
        {
            frame.CopyTo(content);
        }

        File.WriteAllBytes(path, Compress(change(content.ToArray())));
        File.SetLastWriteTimeUtc(path, time);
    }

    public string PathOf(string file) => Path.Combine(_place, file.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>What SQLite makes of a database file and its WAL.</summary>
    private byte[] Apply(byte[] image, byte[] wal)
    {
        string twin = _database + "-twin";
        File.WriteAllBytes(twin, image);
        File.WriteAllBytes(twin + "-wal", wal);
        using (Application application = new(twin, "SELECT count(*) FROM t"))
        {
            application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        }

        byte[] result = File.ReadAllBytes(twin);
        File.Delete(twin);
        return result;
    }

    private void Write(string name, byte[] content, byte[] state)
    {
        string file = $"generations/{_generation}/{name}";
        DateTime time = Begin.AddMinutes(_minutes++);
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(file))!);
        File.WriteAllBytes(PathOf(file), Compress(content));
        File.SetLastWriteTimeUtc(PathOf(file), time);
        States.Add((new DateTimeOffset(time), state, file));
    }

    /// <summary>As pierrec/lz4 does it by default: blocks of 4 MB, a checksum of the content.</summary>
    private static byte[] Compress(byte[] content)
    {
        using MemoryStream target = new();
        using (LZ4EncoderStream frame = LZ4Stream.Encode(target, new LZ4EncoderSettings { BlockSize = 4 << 20, ContentChecksum = true }, leaveOpen: true))
        {
            frame.Write(content);
        }

        return target.ToArray();
    }
}
