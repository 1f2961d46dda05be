using Litestream.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Restoration;

/// <summary>
/// The database that a restore is about to replace: emptied of its WAL and locked against everybody, until it is disposed.
/// </summary>
internal sealed class ReplacedDatabase : IDisposable
{
    private const int BusyMilliseconds = 2000;

    private readonly string _path;
    private sqlite3? _db;
    private bool _wasWal;

    private ReplacedDatabase(string path) => _path = path;

    /// <summary>
    /// Takes it. On return nobody else can use it and no <c>-wal</c> or <c>-journal</c> with anything in it stands beside it.
    /// </summary>
    /// <param name="path">Full path of an existing file, links resolved.</param>
    /// <exception cref="RestoreTargetInUseException">Somebody has it open; it is as it was.</exception>
    /// <exception cref="RestoreTargetUnusableException">It cannot be written; it is as it was.</exception>
    internal static ReplacedDatabase Take(string path)
    {
        SqliteLibrary.Load();
        try
        {
            SqliteLibrary.EnsureAloneInProcess(OpenDatabaseScan.RealPath(path));
        }
        catch (SqliteLibraryException e)
        {
            throw InUse(path, "this process", e);
        }

        var database = new ReplacedDatabase(path);
        try
        {
            database.Lock();
            return OpenDatabaseScan.FindOther(path) is { } other ? throw InUse(path, other) : database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Says that it was replaced: nothing of it needs to be put back.</summary>
    internal void Forget() => _wasWal = false;

    /// <summary>Lets go of it, and puts its WAL mode back unless it was replaced.</summary>
    public void Dispose()
    {
        if (_db is { } db)
        {
            _db = null;
            sqlite3_exec(db, "ROLLBACK");
            if (_wasWal)
            {
                sqlite3_exec(db, "PRAGMA journal_mode=WAL");
            }

            db.Dispose();
        }
    }

    /// <summary>The error for a target that somebody has open.</summary>
    internal static RestoreTargetInUseException InUse(string path, string who, Exception? cause = null) => new(
        $"The database '{path}' is open in {who}, so it was not replaced. It is as it was, and the restored file was removed. Close the "
        + "database there (stop its service and its replication), then restore again, or restore to another path.",
        cause)
    { Database = path, File = path };

    private void Lock()
    {
        int code = sqlite3_open_v2(SqliteName.Of(_path), out sqlite3 db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, null);
        _db = db;
        if (code == SQLITE_OK)
        {
            sqlite3_busy_timeout(db, BusyMilliseconds);
            code = QueryMode("PRAGMA journal_mode", out string mode);
            _wasWal = mode == "wal";
        }

        // Any connection to a database in WAL mode holds a shared lock on it as long as it is open, so this fails while there is one.
        if (code == SQLITE_OK)
        {
            code = QueryMode("PRAGMA journal_mode=DELETE", out string mode);
            code = code == SQLITE_OK && mode != "delete" ? SQLITE_BUSY : code;
        }

        if (code == SQLITE_OK)
        {
            code = sqlite3_exec(db, "BEGIN EXCLUSIVE");
        }

        switch (code & 0xFF)
        {
            case SQLITE_OK:
                break;
            case SQLITE_BUSY or SQLITE_LOCKED:
                throw InUse(_path, OpenDatabaseScan.FindOther(_path) ?? "another program");
            case SQLITE_NOTADB or SQLITE_CORRUPT:
                // Nothing that SQLite could lock or recover, so no journal of it has any worth.
                Dispose();
                break;
            default:
                throw new RestoreTargetUnusableException(
                    $"The database '{_path}' cannot be replaced: SQLite says \"{sqlite3_errmsg(db).utf8_to_string()}\" ({code}) when it is "
                    + "locked for that. It is as it was, and the restored file was removed. Give this user write access to it and its "
                    + "folder, or restore to another path.")
                { File = _path };
        }
    }

    private int QueryMode(string sql, out string mode)
    {
        mode = "";
        int code = sqlite3_prepare_v2(_db, sql, out sqlite3_stmt statement);
        using (statement)
        {
            if (code != SQLITE_OK)
            {
                return code;
            }

            code = sqlite3_step(statement);
            if (code == SQLITE_ROW)
            {
                mode = sqlite3_column_text(statement, 0).utf8_to_string().ToLowerInvariant();
                code = SQLITE_OK;
            }

            return code;
        }
    }
}
