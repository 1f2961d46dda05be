using Litestream.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Restoration;

/// <summary>SQLite's own check of a database file that nobody else has.</summary>
internal static class RestoredImageCheck
{
    // 32 MiB: the check looks up every row in every index, and SQLite's usual 2 MiB make it read most pages many times.
    private const string CacheSize = "PRAGMA cache_size=-32768";

    /// <summary>
    /// Runs the check. The file is opened as immutable: SQLite takes no lock and makes no <c>-wal</c> or <c>-shm</c> beside it.
    /// </summary>
    /// <param name="path">Full path of the file.</param>
    /// <param name="check">Which check.</param>
    /// <param name="source">The replica's place, for errors.</param>
    /// <param name="cancellationToken">Interrupts SQLite.</param>
    /// <exception cref="IntegrityCheckFailedException">It found something.</exception>
    internal static void Run(string path, IntegrityCheck check, string source, CancellationToken cancellationToken)
    {
        if (check == IntegrityCheck.None)
        {
            return;
        }

        SqliteLibrary.Load();
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE;
        int code = sqlite3_open_v2(SqliteName.ImmutableUri(path), out sqlite3 db, flags, null);
        using (db)
        {
            string? found = code == SQLITE_OK ? FirstProblem(db, check, cancellationToken) : sqlite3_errstr(code).utf8_to_string();
            if (found is not null)
            {
                throw new IntegrityCheckFailedException(
                    $"The database restored from '{source}' does not pass SQLite's check: \"{found}\". The files of the replica met "
                    + "their checksums, so the live database was probably damaged when it was captured. The restored file was removed "
                    + "and what stood at the target is untouched. Restore an older transaction, or restore without a check and "
                    + "repair the result with SQLite's own tools.")
                { Replica = source };
            }
        }
    }

    private static string? FirstProblem(sqlite3 db, IntegrityCheck check, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration interrupt = cancellationToken.Register(() => sqlite3_interrupt(db));
        _ = sqlite3_exec(db, CacheSize);
        string sql = check == IntegrityCheck.Full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
        int code = sqlite3_prepare_v2(db, sql, out sqlite3_stmt statement);
        using (statement)
        {
            if (code == SQLITE_OK)
            {
                code = sqlite3_step(statement);
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (code != SQLITE_ROW)
            {
                return sqlite3_errmsg(db).utf8_to_string();
            }

            string answer = sqlite3_column_text(statement, 0).utf8_to_string();
            return answer == "ok" ? null : answer;
        }
    }
}
