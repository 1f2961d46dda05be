namespace Litestream.Sqlite;

/// <summary>
/// Watches, on Linux, that the locks SQLite took for us still stand. They vanish without a word when anything in this process
/// closes a descriptor of the database or of <c>-shm</c>; other programs then believe that nobody reads.
/// </summary>
internal sealed class LockGuard
{
    // The kernel gives its list in pieces, and what is locked or let go of elsewhere meanwhile can hide a line.
    private const int Readings = 4;

    private readonly long _database;
    private readonly long _sharedMemory;

    /// <summary>Notes which locks to watch, while a pin stands. Where the kernel does not show them, nothing is watched.</summary>
    /// <param name="databasePath">Full path of the database.</param>
    public LockGuard(string databasePath)
    {
        if (OperatingSystem.IsLinux()
            && FileIdentity.TryGet(databasePath, out FileIdentity database)
            && FileIdentity.TryGet(databasePath + "-shm", out FileIdentity sharedMemory)
            && KernelLocks.Held(TimeSpan.Zero) is { } held
            && held.Contains(database.Number)
            && held.Contains(sharedMemory.Number))
        {
            (_database, _sharedMemory, IsActive) = (database.Number, sharedMemory.Number, true);
        }
    }

    /// <summary>Whether the locks can be watched here.</summary>
    public bool IsActive { get; }

    /// <summary>Whether the locks stand; true where they cannot be watched.</summary>
    /// <param name="age">How old the answer may be.</param>
    public bool LocksStand(TimeSpan age)
    {
        for (int reading = 0; IsActive && reading < Readings; reading++)
        {
            if (KernelLocks.Held(reading == 0 ? age : TimeSpan.Zero) is not { } held || (held.Contains(_database) && held.Contains(_sharedMemory)))
            {
                return true;
            }
        }

        return !IsActive;
    }
}
