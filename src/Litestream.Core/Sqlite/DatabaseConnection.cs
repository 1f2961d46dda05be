using System.Diagnostics;
using System.Runtime.CompilerServices;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Sqlite;

/// <summary>
/// One connection of ours to a user's database. It never writes a page: it holds read transactions, asks where they stand,
/// checkpoints, and reads pages through SQLite's own file handle. Used by one thread at a time.
/// </summary>
/// <remarks>
/// Pages are read through SQLite's file because POSIX locks belong to the process: were we to open the database ourselves,
/// closing that descriptor would drop every lock that SQLite holds on it here (os_unix.c, "advisory locks are broken by design").
/// </remarks>
internal sealed unsafe class DatabaseConnection : IDisposable
{
    private const int XReadSlot = 2;
    private const int XFileSizeSlot = 6;

    private static readonly TimeSpan WithoutPause = TimeSpan.FromMilliseconds(20);

    private readonly sqlite3 _db;
    private readonly nint _file;
    private readonly sqlite3_stmt _begin;
    private readonly sqlite3_stmt _read;
    private readonly sqlite3_stmt _rollback;

    private DatabaseConnection(string path, sqlite3 db)
    {
        Path = path;
        _db = db;
        _begin = Prepare("BEGIN");
        _rollback = Prepare("ROLLBACK");
        _read = Prepare("SELECT 1 FROM sqlite_schema LIMIT 1");
        nint file = 0;
        fixed (byte* schema = "main\0"u8)
        {
            Check(NativeMethods.sqlite3_file_control(Handle, schema, NativeMethods.FileControlFilePointer, &file), "opening");
        }

        _file = file;
    }

    /// <summary>Full path of the database.</summary>
    public string Path { get; }

    /// <summary>Whether a read transaction is open.</summary>
    public bool IsPinned { get; private set; }

    private nint Handle => _db.DangerousGetHandle();

    /// <summary>Opens a database that exists, in WAL mode or not, and touches it once, so that what is wrong with it shows now.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="busyTimeout">How long to wait for locks of others.</param>
    public static DatabaseConnection Open(string path, TimeSpan busyTimeout)
    {
        SqliteLibrary.Load();
        if (Directory.Exists(path))
        {
            throw new NotADatabaseException($"'{path}' is a folder, not a database. Nothing was changed. Name the database file itself.")
            { Database = path };
        }

        if (!File.Exists(path))
        {
            throw new DatabaseNotFoundException($"There is no database at '{path}'. Check the path.") { Database = path };
        }

        int code = sqlite3_open_v2(SqliteName.Of(path), out sqlite3 db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, null);
        try
        {
            SqliteErrors.Check(code, db, path, "opening");
            sqlite3_busy_timeout(db, (int)busyTimeout.TotalMilliseconds);

            // Hundreds of databases may be open, and ours read next to nothing through SQLite: no memory ahead of need. The first page
            // is read before the cache can be made small, hence the release.
            sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, IntPtr.Zero, 0, 0);

            // Our connections never write a page, so these touch nothing of the user's.
            Execute(db, path, "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cache_size=2; PRAGMA shrink_memory; SELECT 1 FROM sqlite_schema LIMIT 1");
            return new DatabaseConnection(path, db);
        }
        catch
        {
            db?.Dispose();
            throw;
        }
    }

    /// <summary>The journal mode, in lower case.</summary>
    public string JournalMode => QueryText("PRAGMA journal_mode");

    /// <summary>Whether the file could only be opened for reading.</summary>
    public bool IsReadOnly => sqlite3_db_readonly(_db, "main") == 1;

    /// <summary>Page size in bytes.</summary>
    public int PageSize => (int)QueryNumber("PRAGMA page_size");

    /// <summary>Size of the database in pages, as the open transaction sees it.</summary>
    public uint PageCount => (uint)QueryNumber("PRAGMA page_count");

    /// <summary>SQLITE_VERSION_NUMBER of the library that wrote the database last (bytes 96 to 99 of its header).</summary>
    public uint LastWriterVersion
    {
        get
        {
            Span<byte> version = stackalloc byte[sizeof(uint)];
            ReadFile(offset: 96, version);
            return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(version);
        }
    }

    /// <summary>Asks SQLite for WAL mode and returns the mode it is in then, in lower case.</summary>
    public string SwitchToWal() => QueryText("PRAGMA journal_mode=wal");

    /// <summary>Begins a read transaction: from here on this connection pins what it sees.</summary>
    public void Pin()
    {
        Step(_begin, "beginning to read");
        try
        {
            Step(_read, "reading");
            IsPinned = true;
        }
        catch
        {
            sqlite3_step(_rollback);
            sqlite3_reset(_rollback);
            throw;
        }
    }

    /// <summary>Ends the transaction, if one is open.</summary>
    public void Unpin()
    {
        if (IsPinned || sqlite3_get_autocommit(_db) == 0)
        {
            IsPinned = false;
            Step(_rollback, "ending to read");
        }
    }

    /// <summary>
    /// Takes the write lock, writing nothing: until <see cref="Unpin"/> nobody can commit. False if other writers did not let go
    /// of it in time. A writer that never rests leaves it free for microseconds between two transactions, which SQLite's own busy timeout
    /// sleeps through: so it is tried without a pause first, and every millisecond after that. Open with a busy timeout of zero.
    /// </summary>
    /// <param name="patience">How long to try.</param>
    public bool TryLockWriters(TimeSpan patience)
    {
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            int code = sqlite3_exec(_db, "BEGIN IMMEDIATE");
            if ((code & 0xff) != SQLITE_BUSY)
            {
                Check(code, "taking the write lock of");
                return true;
            }

            TimeSpan tried = Stopwatch.GetElapsedTime(begin);
            if (tried >= patience)
            {
                return false;
            }

            if (tried >= WithoutPause)
            {
                Thread.Sleep(1);
            }
        }
    }

    /// <summary>Where the open read transaction stands. A WAL that never had a frame gives a position without generation.</summary>
    public WalPosition GetPosition()
    {
        nint snapshot = 0;
        int code;
        fixed (byte* schema = "main\0"u8)
        {
            code = NativeMethods.sqlite3_snapshot_get(Handle, schema, &snapshot);
        }

        if (code == SQLITE_ERROR)
        {
            // wal.c answers so while checksum and salts are all zero: then the database file alone is the state.
            return new WalPosition(0, 0, 0, 0, 0, PageCount, PageSize, null);
        }

        Check(code, "asking for the position of");
        try
        {
            var position = WalPosition.Parse(new ReadOnlySpan<byte>((void*)snapshot, WalPosition.SnapshotSize));

            // A checkpoint that resets a WAL which never had a frame draws salts and leaves the sizes zero: the file alone knows them.
            return position.PageSize == 0 ? position with { PageCount = PageCount, PageSize = PageSize } : position;
        }
        finally
        {
            NativeMethods.sqlite3_snapshot_free(snapshot);
        }
    }

    /// <summary>
    /// Copies frames into the database file without waiting for anybody (PASSIVE). The connection must not be pinned.
    /// </summary>
    public CheckpointResult CheckpointPassive() => Checkpoint(SQLITE_CHECKPOINT_PASSIVE);

    /// <summary>Shrinks the WAL file to nothing, if nobody stands in the way at this very moment.</summary>
    public CheckpointResult CheckpointTruncate()
    {
        sqlite3_busy_timeout(_db, 0);
        return Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    }

    /// <summary>Sets how long to wait for locks of others.</summary>
    /// <param name="timeout">Zero for not at all.</param>
    public void SetBusyTimeout(TimeSpan timeout) => sqlite3_busy_timeout(_db, (int)timeout.TotalMilliseconds);

    /// <summary>
    /// Reads from the database file, not looking at the WAL. What lies behind the end of the file reads as zeros, as it does
    /// for SQLite. On Windows the lock bytes at 1 GiB cannot be read while others hold them: the caller leaves that page out.
    /// </summary>
    /// <param name="offset">First byte.</param>
    /// <param name="buffer">Filled whole.</param>
    public void ReadFile(long offset, Span<byte> buffer)
    {
        void** methods = *(void***)_file;
        var xRead = (delegate* unmanaged[Cdecl]<nint, void*, int, long, int>)methods[XReadSlot];
        int code;
        fixed (byte* p = buffer)
        {
            code = xRead(_file, p, buffer.Length, offset);
        }

        if (code != SQLITE_IOERR_SHORT_READ) // the rest has been zeroed then
        {
            SqliteErrors.Check(code, null, Path, "reading");
        }
    }

    /// <summary>Length of the database file in bytes.</summary>
    public long FileLength()
    {
        void** methods = *(void***)_file;
        var xFileSize = (delegate* unmanaged[Cdecl]<nint, long*, int>)methods[XFileSizeSlot];
        long length;
        SqliteErrors.Check(xFileSize(_file, &length), null, Path, "reading the size of");
        return length;
    }

    /// <summary>Ends the transaction and closes. If this was the database's last connection anywhere, SQLite folds the WAL in.</summary>
    public void Dispose()
    {
        _begin.Dispose();
        _read.Dispose();
        _rollback.Dispose();
        _db.Dispose();
    }

    private CheckpointResult Checkpoint(int mode)
    {
        int code = sqlite3_wal_checkpoint_v2(_db, "main", mode, out int logFrames, out int checkpointed);
        bool busy = (code & 0xff) is SQLITE_BUSY or SQLITE_LOCKED;
        if (!busy)
        {
            Check(code, "checkpointing");
        }

        return new CheckpointResult(busy, logFrames, checkpointed);
    }

    private sqlite3_stmt Prepare(string sql)
    {
        Check(sqlite3_prepare_v2(_db, sql, out sqlite3_stmt statement), "opening");
        return statement;
    }

    private void Step(sqlite3_stmt statement, string action)
    {
        int code = sqlite3_step(statement);
        sqlite3_reset(statement);
        Check(code, action);
    }

    private string QueryText(string sql)
    {
        using sqlite3_stmt statement = Prepare(sql);
        Check(sqlite3_step(statement), "reading");
        return sqlite3_column_text(statement, 0).utf8_to_string().ToLowerInvariant();
    }

    private long QueryNumber(string sql)
    {
        using sqlite3_stmt statement = Prepare(sql);
        Check(sqlite3_step(statement), "reading");
        return sqlite3_column_int64(statement, 0);
    }

    private static void Execute(sqlite3 db, string path, string sql) => SqliteErrors.Check(sqlite3_exec(db, sql), db, path, "opening");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(int code, string action)
    {
        if (code is not (SQLITE_OK or SQLITE_ROW or SQLITE_DONE))
        {
            throw SqliteErrors.Create(code, _db, Path, action);
        }
    }
}
