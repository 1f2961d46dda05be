using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Sqlite;

/// <summary>
/// A database that we write page by page, under SQLite's own exclusive lock and through its own file, so that every reader keeps to
/// SQLite's rules. It is kept in rollback mode: readers need nothing beside it, and what a crash interrupts any of them rolls back.
/// </summary>
internal sealed unsafe class FollowedDatabase : IDisposable
{
    // sqlite3_io_methods of sqlite3.h: iVersion, xClose, xRead, xWrite, xTruncate, xSync, xFileSize.
    private const int XReadSlot = 2;
    private const int XWriteSlot = 3;
    private const int XTruncateSlot = 4;
    private const int XSyncSlot = 5;
    private const int XFileSizeSlot = 6;
    private const int SyncFull = 3; // SQLITE_SYNC_FULL

    // File format, section 1.3: offsets in the header on page 1.
    private const int PageSizeOffset = 16;
    private const int WriteVersionOffset = 18;
    private const int ReadVersionOffset = 19;
    private const int ChangeCounterOffset = 24;
    private const int VersionValidForOffset = 92;
    private const byte RollbackMode = 1;

    private readonly sqlite3 _db;
    private readonly nint _file;

    private FollowedDatabase(string path, sqlite3 db)
    {
        Path = path;
        _db = db;
        nint file;
        fixed (byte* main = "main\0"u8)
        {
            Check(NativeMethods.sqlite3_file_control(_db.DangerousGetHandle(), main, NativeMethods.FileControlFilePointer, &file), "opening");
        }

        _file = file;
        Span<byte> size = stackalloc byte[2];
        Read(PageSizeOffset, size);
        int pageSize = BinaryPrimitives.ReadUInt16BigEndian(size);
        PageSize = pageSize == 1 ? 65536 : pageSize;
    }

    /// <summary>Full path of the database.</summary>
    public string Path { get; }

    /// <summary>Page size in bytes.</summary>
    public int PageSize { get; }

    /// <summary>Pages of the file.</summary>
    public uint PageCount
    {
        get
        {
            void** methods = *(void***)_file;
            var xFileSize = (delegate* unmanaged[Cdecl]<nint, long*, int>)methods[XFileSizeSlot];
            long length;
            Check(xFileSize(_file, &length), "reading the size of");
            return (uint)(length / PageSize);
        }
    }

    /// <summary>Counts the changes; each of ours adds one.</summary>
    public uint ChangeCounter
    {
        get
        {
            Span<byte> counter = stackalloc byte[sizeof(uint)];
            Read(ChangeCounterOffset, counter);
            return BinaryPrimitives.ReadUInt32BigEndian(counter);
        }
    }

    /// <summary>Opens a database that exists and puts it into rollback mode; what a crash interrupted is rolled back by that.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="busyTimeout">How long to wait for readers.</param>
    /// <returns>Null if readers kept it from changing its mode.</returns>
    public static FollowedDatabase? TryOpen(string path, TimeSpan busyTimeout)
    {
        SqliteLibrary.Load();
        int code = sqlite3_open_v2(SqliteName.Of(path), out sqlite3 db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, null);
        try
        {
            SqliteErrors.Check(code, db, path, "opening");
            sqlite3_busy_timeout(db, (int)busyTimeout.TotalMilliseconds);
            code = sqlite3_exec(db, "PRAGMA mmap_size=0; PRAGMA cache_size=16; PRAGMA journal_mode=delete; SELECT 1 FROM sqlite_schema LIMIT 1");
            if (IsBusy(code) || !IsInRollbackMode(db, path))
            {
                db.Dispose();
                return null;
            }

            SqliteErrors.Check(code, db, path, "opening");
            return new FollowedDatabase(path, db);
        }
        catch
        {
            db?.Dispose();
            throw;
        }
    }

    /// <summary>Takes the exclusive lock: no reader reads until <see cref="End"/>.</summary>
    /// <returns>False if readers kept us from it.</returns>
    public bool TryBegin()
    {
        int code = sqlite3_exec(_db, "BEGIN EXCLUSIVE");
        if (IsBusy(code))
        {
            return false;
        }

        Check(code, "locking");
        return true;
    }

    /// <summary>Lets the lock go. What SQLite itself knows of the file it reads anew, since the change counter is another.</summary>
    public void End() => Check(sqlite3_exec(_db, "ROLLBACK"), "unlocking");

    /// <summary>Reads a page.</summary>
    /// <param name="number">1 or more, within the file.</param>
    /// <param name="page">Filled.</param>
    public void ReadPage(uint number, Span<byte> page) => Read((number - 1L) * PageSize, page);

    /// <summary>Writes a page.</summary>
    /// <param name="number">1 or more.</param>
    /// <param name="page">A whole page.</param>
    public void WritePage(uint number, ReadOnlySpan<byte> page)
    {
        void** methods = *(void***)_file;
        var xWrite = (delegate* unmanaged[Cdecl]<nint, void*, int, long, int>)methods[XWriteSlot];
        fixed (byte* p = page)
        {
            Check(xWrite(_file, p, page.Length, (number - 1L) * PageSize), "writing");
        }
    }

    /// <summary>Sets the file's size.</summary>
    /// <param name="pages">In pages.</param>
    public void Resize(uint pages)
    {
        void** methods = *(void***)_file;
        var xTruncate = (delegate* unmanaged[Cdecl]<nint, long, int>)methods[XTruncateSlot];
        Check(xTruncate(_file, (long)pages * PageSize), "resizing");
    }

    /// <summary>Makes what was written durable.</summary>
    public void Flush()
    {
        void** methods = *(void***)_file;
        var xSync = (delegate* unmanaged[Cdecl]<nint, int, int>)methods[XSyncSlot];
        Check(xSync(_file, SyncFull), "flushing");
    }

    /// <summary>Makes page 1 of another database that of this one: in rollback mode, and with the next change counter.</summary>
    /// <param name="page">Page 1, changed in place.</param>
    /// <param name="counter">The change counter that it gets.</param>
    public static void Adapt(Span<byte> page, uint counter)
    {
        page[WriteVersionOffset] = page[ReadVersionOffset] = RollbackMode;
        BinaryPrimitives.WriteUInt32BigEndian(page[ChangeCounterOffset..], counter);
        BinaryPrimitives.WriteUInt32BigEndian(page[VersionValidForOffset..], counter);
    }

    /// <inheritdoc/>
    public void Dispose() => _db.Dispose();

    private void Read(long offset, Span<byte> buffer)
    {
        void** methods = *(void***)_file;
        var xRead = (delegate* unmanaged[Cdecl]<nint, void*, int, long, int>)methods[XReadSlot];
        fixed (byte* p = buffer)
        {
            Check(xRead(_file, p, buffer.Length, offset), "reading");
        }
    }

    private static bool IsInRollbackMode(sqlite3 db, string path)
    {
        SqliteErrors.Check(sqlite3_prepare_v2(db, "PRAGMA journal_mode", out sqlite3_stmt statement), db, path, "opening");
        using (statement)
        {
            return sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0).utf8_to_string() == "delete";
        }
    }

    private static bool IsBusy(int code) => (code & 0xff) is SQLITE_BUSY or SQLITE_LOCKED;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(int code, string action)
    {
        if (code is not (SQLITE_OK or SQLITE_ROW or SQLITE_DONE))
        {
            throw SqliteErrors.Create(code, _db, Path, action);
        }
    }
}
