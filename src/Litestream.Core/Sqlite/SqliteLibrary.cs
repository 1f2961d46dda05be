using System.Globalization;
using static SQLitePCL.raw;

namespace Litestream.Sqlite;

/// <summary>The SQLite library in this process: loaded once, new enough, and alone on a database.</summary>
internal static class SqliteLibrary
{
    /// <summary>
    /// 3.51.3, the first release line without the WAL-reset bug (sqlite.org/wal.html#walresetbug), which an external
    /// checkpointer such as ours can provoke.
    /// </summary>
    private const int FirstSafeVersion = 3051003;

    private static readonly Lock Gate = new();
    private static bool _loaded;

    /// <summary>Loads the library, once.</summary>
    /// <exception cref="SqliteLibraryException">It is too old, or built without snapshots.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            SQLitePCL.Batteries_V2.Init();
            if (sqlite3_libversion_number() < FirstSafeVersion)
            {
                throw new SqliteLibraryException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The SQLite library in this process is {sqlite3_libversion().utf8_to_string()}; up to 3.51.2 a checkpoint can corrupt the database (WAL-reset bug). Nothing was opened. Use the library that comes with this module."));
            }

            if (sqlite3_compileoption_used("ENABLE_SNAPSHOT") == 0)
            {
                throw new SqliteLibraryException(
                    "The SQLite library in this process was built without snapshots, which tell where a transaction stands in the WAL. Nothing was opened. Use the library that comes with this module.");
            }

            _loaded = true;
        }
    }

    /// <summary>
    /// Whether a version of SQLite has the WAL-reset bug: 3.7.0 to 3.51.2, but for the two releases that it was mended in.
    /// </summary>
    /// <param name="version">SQLITE_VERSION_NUMBER, as in 3051003.</param>
    public static bool HasWalResetBug(uint version) => version is >= 3007000 and < FirstSafeVersion and not 3050007 and not 3044006;

    /// <summary>
    /// Refuses a database that something else in this process has open: POSIX locks belong to the process, and closing any
    /// descriptor of the file would drop ours and theirs. Linux only; elsewhere there is no way to look.
    /// </summary>
    /// <param name="path">Full path of the database.</param>
    /// <exception cref="SqliteLibraryException">It is open in this process.</exception>
    public static void EnsureAloneInProcess(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        foreach (string descriptor in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            string? target;
            try
            {
                target = File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName;
            }
            catch (IOException)
            {
                continue; // closed between the listing and the look: nobody has it open
            }

            if (string.Equals(target, path, StringComparison.Ordinal))
            {
                throw new SqliteLibraryException(
                    $"'{path}' is already open in this process. Two users of one database in one process drop each other's locks, so nothing was opened. Close it there, or run this in a process of its own.")
                { Database = path };
            }
        }
    }
}
