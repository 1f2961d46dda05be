using System.Globalization;
using static SQLitePCL.raw;

namespace Litestream.Sqlite;

/// <summary>Turns SQLite's result codes into exceptions that a user can act on. The single gate for errors of SQLite.</summary>
internal static class SqliteErrors
{
    /// <summary>Throws unless the call succeeded.</summary>
    /// <param name="code">What SQLite returned.</param>
    /// <param name="db">The connection, for its message; may be null.</param>
    /// <param name="path">Full path of the database.</param>
    /// <param name="action">What was being done, as in "reading".</param>
    public static void Check(int code, SQLitePCL.sqlite3? db, string path, string action)
    {
        if (code is SQLITE_OK or SQLITE_ROW or SQLITE_DONE)
        {
            return;
        }

        throw Create(code, db, path, action);
    }

    /// <summary>The exception for a result code.</summary>
    /// <param name="code">What SQLite returned.</param>
    /// <param name="db">The connection, for its message; may be null.</param>
    /// <param name="path">Full path of the database.</param>
    /// <param name="action">What was being done.</param>
    public static LitestreamException Create(int code, SQLitePCL.sqlite3? db, string path, string action)
    {
        // SQLite's file methods answer by their code alone: the connection knows nothing of it then.
        bool known = db is not null && (sqlite3_errcode(db) & 0xff) == (code & 0xff);
        int extended = known ? sqlite3_extended_errcode(db) : code;
        string text = (known ? sqlite3_errmsg(db) : sqlite3_errstr(code)).utf8_to_string();
        string reason = string.Create(CultureInfo.InvariantCulture, $"SQLite says \"{text}\" ({extended}) while {action} '{path}'");
        return (code & 0xff) switch
        {
            SQLITE_BUSY or SQLITE_LOCKED => new DatabaseLockedException(
                $"{reason}: another program holds it exclusively. Nothing was changed. Close that program, or let it leave locking_mode=EXCLUSIVE.")
            { Database = path },
            SQLITE_NOTADB => new NotADatabaseException(
                $"'{path}' is not an SQLite database, or it is encrypted. Nothing was changed. Check the path.")
            { Database = path },
            SQLITE_CORRUPT => new NotADatabaseException(
                $"{reason}: the database is damaged. Nothing was changed. Restore it from its replica, or repair it with SQLite's own tools.")
            { Database = path },
            SQLITE_PERM or SQLITE_READONLY or SQLITE_AUTH or SQLITE_CANTOPEN => new DatabaseAccessDeniedException(
                $"{reason}: the file, or a new file beside it, cannot be opened for reading and writing. Nothing was changed. Give this user write access to the database and its folder.")
            { Database = path },
            _ => new DatabaseIOException(
                $"{reason}. What was captured before is safe. If the disk is full, make room; a replication that runs already tries again by itself.")
            { Database = path },
        };
    }
}
