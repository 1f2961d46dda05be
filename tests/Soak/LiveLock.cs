using System.Runtime.InteropServices;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Soak;

/// <summary>
/// A live database at rest: the write lock is held, so that what is committed now stays the newest state until this is disposed.
/// The image is read through SQLite alone, page by page as a transaction sees it; no code of the project takes part.
/// </summary>
internal sealed partial class LiveLock : IDisposable
{
    private const int BusyMilliseconds = 60_000;

    private readonly sqlite3 _database;

    private LiveLock(sqlite3 database) => _database = database;

    /// <summary>Waits for its turn among the writers and takes the lock.</summary>
    /// <param name="path">The database.</param>
    /// <exception cref="InvalidOperationException">SQLite refused; the message says why.</exception>
    public static LiveLock Take(string path)
    {
        int result = sqlite3_open_v2(path, out sqlite3 database, SQLITE_OPEN_READWRITE, null);
        LiveLock live = new(database);
        try
        {
            live.Check(result);
            sqlite3_busy_timeout(database, BusyMilliseconds);
            live.Check(sqlite3_exec(database, "BEGIN IMMEDIATE"));
            return live;
        }
        catch
        {
            live.Dispose();
            throw;
        }
    }

    /// <summary>How many changes to the events were committed.</summary>
    public long Changes()
    {
        Check(sqlite3_prepare_v2(_database, "SELECT changes FROM ledger", out sqlite3_stmt statement));
        using (statement)
        {
            Check(sqlite3_step(statement));
            return sqlite3_column_int64(statement, 0);
        }
    }

    /// <summary>Every page.</summary>
    public unsafe byte[] Image()
    {
        nint copy = sqlite3_serialize(_database.DangerousGetHandle(), "main", out long size, 0);
        if (copy == 0)
        {
            throw new InvalidOperationException($"SQLite does not give the image of the database: {sqlite3_errmsg(_database).utf8_to_string()}");
        }

        try
        {
            return new ReadOnlySpan<byte>((void*)copy, checked((int)size)).ToArray();
        }
        finally
        {
            sqlite3_free(copy);
        }
    }

    public void Dispose() => _database.Dispose();

    private void Check(int result)
    {
        if (result is not (SQLITE_OK or SQLITE_ROW))
        {
            throw new InvalidOperationException($"{sqlite3_errmsg(_database).utf8_to_string()} ({result})");
        }
    }

    [LibraryImport("e_sqlite3", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static partial nint sqlite3_serialize(nint database, string schema, out long size, uint flags);

    [LibraryImport("e_sqlite3")]
    [UnmanagedCallConv(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static partial void sqlite3_free(nint memory);
}
