using System.Globalization;

namespace Litestream.Sqlite;

/// <summary>
/// Watches, on Linux, that the locks SQLite took for us still stand. They vanish without a word when anything in this process
/// closes a descriptor of the database or of <c>-shm</c>; other programs then believe that nobody reads.
/// </summary>
internal sealed class LockGuard
{
    private const string KernelLocks = "/proc/locks";

    private readonly string _process = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
    private readonly string? _database;
    private readonly string? _sharedMemory;

    /// <summary>Notes which locks to watch, while a pin stands. Where the kernel does not show them, nothing is watched.</summary>
    /// <param name="databasePath">Full path of the database.</param>
    public LockGuard(string databasePath)
    {
        if (!OperatingSystem.IsLinux()
            || !FileIdentity.TryGet(databasePath, out FileIdentity database)
            || !FileIdentity.TryGet(databasePath + "-shm", out FileIdentity sharedMemory))
        {
            return;
        }

        string? locks = ReadLocks();
        string databaseMark = Mark(database);
        string sharedMemoryMark = Mark(sharedMemory);
        if (locks is not null && Holds(locks, databaseMark, _process) && Holds(locks, sharedMemoryMark, _process))
        {
            _database = databaseMark;
            _sharedMemory = sharedMemoryMark;
        }
    }

    /// <summary>Whether the locks can be watched here.</summary>
    public bool IsActive => _database is not null;

    /// <summary>Whether the locks stand; true where they cannot be watched.</summary>
    public bool LocksStand()
    {
        if (_database is null || _sharedMemory is null)
        {
            return true;
        }

        string? locks = ReadLocks();
        return locks is null || (Holds(locks, _database, _process) && Holds(locks, _sharedMemory, _process));
    }

    /// <summary>Whether a process holds a lock on a file.</summary>
    /// <param name="locks">Lines of <c>/proc/locks</c> (proc_locks(5)): "2: POSIX  ADVISORY  READ 6869 fe:00:11657343 124 124".</param>
    /// <param name="mark">The file's number, as in ":11657343 ".</param>
    /// <param name="process">The process id.</param>
    internal static bool Holds(string locks, string mark, string process)
    {
        foreach (ReadOnlySpan<char> line in locks.AsSpan().EnumerateLines())
        {
            int at = line.IndexOf(mark, StringComparison.Ordinal);
            int end = at > 0 ? line[..at].LastIndexOf(' ') : -1;
            if (end > 0
                && line.Contains("POSIX", StringComparison.Ordinal)
                && line[(line[..end].LastIndexOf(' ') + 1)..end].SequenceEqual(process))
            {
                return true;
            }
        }

        return false;
    }

    private static string Mark(in FileIdentity file) => string.Create(CultureInfo.InvariantCulture, $":{file.Number} ");

    private static string? ReadLocks()
    {
        try
        {
            return File.ReadAllText(KernelLocks);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // hidden by the container: the commit counter still tells of lost frames
        }
    }
}
