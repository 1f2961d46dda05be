using System.Globalization;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>A connection as an application has one: it knows nothing of replication. Used by one thread at a time.</summary>
internal sealed class Application : IDisposable
{
    private readonly sqlite3 _db;

    /// <summary>Opens or makes a database.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="setup">Statements that come first: page size, auto_vacuum, journal mode.</param>
    public Application(string path, string setup = "PRAGMA journal_mode=wal")
    {
        Batteries_V2.Init();
        Check(sqlite3_open_v2(path, out _db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, null), path);
        sqlite3_busy_timeout(_db, 10_000);
        Execute(setup);
    }

    /// <summary>Makes a database with pages of a size.</summary>
    public static Application WithPages(string path, int pageSize, string more = "") =>
        new(path, string.Create(CultureInfo.InvariantCulture, $"PRAGMA page_size={pageSize}; {more} PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0"));

    /// <summary>Runs statements.</summary>
    public void Execute(string sql) => Check(sqlite3_exec(_db, sql), sql);

    /// <summary>The first column of the first row.</summary>
    public long Query(string sql)
    {
        Check(sqlite3_prepare_v2(_db, sql, out sqlite3_stmt statement), sql);
        using (statement)
        {
            Check(sqlite3_step(statement), sql);
            return sqlite3_column_int64(statement, 0);
        }
    }

    /// <summary>Makes a table and rows of about a page each.</summary>
    public void Fill(int rows, int bytes = 4000, string table = "t")
    {
        Execute($"CREATE TABLE IF NOT EXISTS {table}(id INTEGER PRIMARY KEY, b BLOB)");
        Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO {table}(b) SELECT randomblob({bytes}) FROM n"));
    }

    /// <summary>Commits one row, <paramref name="times"/> times.</summary>
    public void Commit(int times = 1, int bytes = 100)
    {
        for (int i = 0; i < times; i++)
        {
            Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT INTO t(b) VALUES(randomblob({bytes}))"));
        }
    }

    /// <summary>Checkpoints; gives busy, frames in the WAL, frames copied.</summary>
    public (bool Busy, int Log, int Copied) Checkpoint(int mode = SQLITE_CHECKPOINT_PASSIVE)
    {
        int code = sqlite3_wal_checkpoint_v2(_db, "main", mode, out int log, out int copied);
        if (code != SQLITE_BUSY)
        {
            Check(code, "checkpoint");
        }

        return (code == SQLITE_BUSY, log, copied);
    }

    public void Dispose() => _db.Dispose();

    private void Check(int code, string what)
    {
        if (code is not (SQLITE_OK or SQLITE_ROW or SQLITE_DONE))
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{what}: {sqlite3_errmsg(_db).utf8_to_string()} ({code})"));
        }
    }
}
