using Litestream.Tests.Properties.Machine;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Properties.Schedules;

/// <summary>The application of a schedule, step by step, and every image that it has committed, in order.</summary>
internal sealed class ScheduledWriter : IDisposable
{
    private readonly sqlite3 _writer;
    private readonly sqlite3 _reader;
    private readonly List<byte[]> _images = [];

    /// <summary>Makes a database.</summary>
    public ScheduledWriter(string path)
    {
        Batteries_V2.Init();
        Assert.Equal(SQLITE_OK, sqlite3_open_v2(path, out _writer, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, null));
        Assert.Equal(SQLITE_OK, sqlite3_open_v2(path, out _reader, SQLITE_OPEN_READWRITE, null));
        Execute(_writer, "PRAGMA page_size=512; PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=wal");
        Execute(_writer, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=4; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)");
        Commit("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 12) INSERT INTO t(b) SELECT randomblob(400) FROM n");
    }

    /// <summary>What an application does, one step each.</summary>
    public IReadOnlyList<(string Name, Action Run)> Steps =>
    [
        ("commit", () => Commit("UPDATE t SET b=randomblob(400) WHERE id % 5 = 1")),
        ("resize", () => Commit("DELETE FROM t WHERE id > 12; PRAGMA incremental_vacuum; INSERT INTO t(id, b) VALUES(20, randomblob(1500))")),
        ("roll back", () => Execute(_writer, "BEGIN; UPDATE t SET b=randomblob(700); ROLLBACK")),
        ("read", () => Execute(_reader, sqlite3_get_autocommit(_reader) == 0 ? "ROLLBACK" : "BEGIN; SELECT count(*) FROM t")),
        ("checkpoint", () => Checkpoint(SQLITE_CHECKPOINT_PASSIVE)),
        ("checkpoint, restart, commit", () =>
        {
            Checkpoint(SQLITE_CHECKPOINT_RESTART);
            Commit("UPDATE t SET b=randomblob(300) WHERE id = 3");
        }),
        ("checkpoint, truncate, commit", () =>
        {
            Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
            Commit("UPDATE t SET b=randomblob(300) WHERE id = 7");
        }),
    ];

    /// <summary>What is committed now.</summary>
    public byte[] Image => _images[^1];

    /// <summary>Whether nothing is committed behind the image that was reached last.</summary>
    public bool IsReached => _images.Count == 1;

    /// <summary>Ends the reader; forgets all images but the last.</summary>
    public void Rest()
    {
        if (sqlite3_get_autocommit(_reader) == 0)
        {
            Execute(_reader, "ROLLBACK");
        }

        _images.RemoveRange(0, _images.Count - 1);
    }

    /// <summary>Forgets the images before one; false if it was never committed, or before one that was forgotten.</summary>
    public bool Reach(byte[] image)
    {
        int index = _images.FindIndex(committed => committed.AsSpan().SequenceEqual(image));
        _images.RemoveRange(0, Math.Max(0, index));
        return index >= 0;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _writer.Dispose();
    }

    private void Commit(string sql)
    {
        Execute(_writer, $"BEGIN; {sql}; COMMIT");
        _images.Add(SerializedImage.Of(_writer));
    }

    // What stands in the way is no failure: an application meets it too.
    private void Checkpoint(int mode) => sqlite3_wal_checkpoint_v2(_writer, "main", mode, out _, out _);

    private static void Execute(sqlite3 db, string sql)
    {
        int code = sqlite3_exec(db, sql);
        Assert.True(code == SQLITE_OK, $"{sql}: {sqlite3_errmsg(db).utf8_to_string()}");
    }
}
