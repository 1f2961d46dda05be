using System.Diagnostics;

namespace Litestream.Sqlite;

/// <summary>
/// Two connections that take turns in pinning a live database, so that it is pinned at every moment.
/// </summary>
/// <remarks>
/// What a pin (an open read transaction) gives, by SQLite's own rules (walTryBeginRead, walCheckpoint, walRestartLog in wal.c):
/// <list type="number">
/// <item>A pin at a place where the WAL holds frames that are not yet in the database file sits in one of the read marks 1 to 4.
/// Nobody can then reset the WAL, and no checkpoint copies anything past the pin's last frame. So every frame up to there stays
/// readable in the WAL file, and the pages of the database file that have no frame up to there stay as they are.</item>
/// <item>If all frames were already copied, the pin sits in mark 0. A writer may then reset the WAL and begin the next
/// generation, but nobody can copy a frame of it into the database file until we let go; and what is not copied cannot be reset
/// away. So of all that is committed while we sit there nothing is lost, and it stands in one generation from frame 1.</item>
/// </list>
/// The next pin is taken before the last is let go. A pin in mark 1 to 4 that has fallen behind keeps the newer frames from being
/// copied, so the next pin cannot land on mark 0 before its frames were captured: a window (old, new] that is not empty stays
/// readable while the new pin stands. The caller captures that window before it leaps again.
/// A crash of this process drops the pins, nothing else: what may have happened since is proven afresh at the next start.
/// </remarks>
internal sealed class LeapfrogPins : IDisposable
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(10);

    private DatabaseConnection _pinned;
    private DatabaseConnection _idle;

    private LeapfrogPins(DatabaseConnection pinned, DatabaseConnection idle)
    {
        _pinned = pinned;
        _idle = idle;
        Position = pinned.GetPosition();
    }

    /// <summary>Where the present pin stands.</summary>
    public WalPosition Position { get; private set; }

    /// <summary>Whether the database was not in WAL mode before.</summary>
    public bool SwitchedToWal { get; private init; }

    /// <summary>The connection that holds the pin.</summary>
    public DatabaseConnection Pinned => _pinned;

    /// <summary>Opens a database in WAL mode and pins it.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="busyTimeout">How long to wait for locks of others.</param>
    public static LeapfrogPins Open(string path, TimeSpan busyTimeout)
    {
        DatabaseConnection? first = null;
        DatabaseConnection? second = null;
        try
        {
            first = DatabaseConnection.Open(path, busyTimeout);
            EnsureWritable(first);
            bool switched = EnsureWal(first, busyTimeout);
            second = DatabaseConnection.Open(path, busyTimeout);
            first.Pin();
            return new LeapfrogPins(first, second) { SwitchedToWal = switched };
        }
        catch
        {
            second?.Dispose();
            first?.Dispose();
            throw;
        }
    }

    /// <summary>Takes the next pin, then lets the last one go. The caller has captured everything up to <see cref="Position"/>.</summary>
    /// <returns>The new position.</returns>
    public WalPosition Leap()
    {
        _idle.Pin();
        WalPosition position;
        try
        {
            position = _idle.GetPosition();
        }
        catch
        {
            _idle.Unpin();
            throw;
        }

        (_pinned, _idle) = (_idle, _pinned);
        Position = position;
        _idle.Unpin();
        return position;
    }

    /// <summary>Copies captured frames into the database file, as far as nobody stands in the way. Everything up to the pin is durable elsewhere.</summary>
    public CheckpointResult Checkpoint() => _idle.CheckpointPassive();

    /// <summary>
    /// Shrinks the WAL file. Safe only because it does nothing unless all frames are in the database file already and no reader
    /// but ours in mark 0 is there: a frame that slipped in would have to be copied first, which our pin forbids.
    /// </summary>
    /// <param name="busyTimeout">The timeout to go back to afterwards.</param>
    public CheckpointResult Truncate(TimeSpan busyTimeout)
    {
        try
        {
            return _idle.CheckpointTruncate();
        }
        finally
        {
            _idle.SetBusyTimeout(busyTimeout);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _idle.Dispose();
        _pinned.Dispose();
    }

    // SQLite opens a file that it may not write for reading alone, and the first checkpoint would be what fails.
    private static void EnsureWritable(DatabaseConnection connection)
    {
        if (connection.IsReadOnly)
        {
            throw new DatabaseAccessDeniedException(
                $"'{connection.Path}' may only be read by this user, and replication has to checkpoint it. Nothing was changed. Give this user write access to the database and its folder.")
            { Database = connection.Path };
        }
    }

    // True if the database was in another mode.
    private static bool EnsureWal(DatabaseConnection connection, TimeSpan busyTimeout)
    {
        if (connection.JournalMode == "wal")
        {
            return false;
        }

        string mode = SwitchToWal(connection, busyTimeout);
        if (mode != "wal")
        {
            throw new DatabaseNotWalException(
                $"'{connection.Path}' is in journal mode '{mode}' and could not be switched to WAL, which replication needs. Nothing was changed. Close the programs that hold it and try again; a database on a network file system cannot be replicated.")
            { Database = connection.Path };
        }

        return true;
    }

    // SQLite's own busy timeout does not hold for this statement where a writer is in the middle of a transaction.
    private static string SwitchToWal(DatabaseConnection connection, TimeSpan busyTimeout)
    {
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return connection.SwitchToWal();
            }
            catch (DatabaseLockedException) when (Stopwatch.GetElapsedTime(begin) < busyTimeout)
            {
                Thread.Sleep(RetryInterval);
            }
        }
    }
}
