using System.Globalization;

namespace Litestream.Sqlite;

/// <summary>
/// Every page of a live database as one read transaction sees it, while others go on writing: the newest frame of the page up to
/// the pin, or else the database file.
/// </summary>
/// <remarks>
/// Why this is one consistent image though nothing is locked (marks as in <see cref="LeapfrogPins"/>):
/// in mark 1 to 4, frames up to the pin stay in the WAL, and pages without such a frame are not touched in the database file.
/// In mark 0 the database file holds everything and nobody may write to it; but the WAL may be reset and overwritten while we read
/// it. SQLite writes the new generation's header to the WAL before any of its frames, so after reading frames we look at the
/// header: if it is still the pin's generation, none of them had been overwritten; if not, we were in mark 0, and the database
/// file alone has it all: the frames are forgotten and the pages read again from there.
/// </remarks>
internal sealed class PinnedImage : IDisposable
{
    private readonly DatabaseConnection _connection;
    private readonly WalFile _wal;
    private readonly bool _ownsConnection;
    private readonly WalWindow _frames = new();
    private readonly uint _lockPage;
    private bool _advanced;

    private PinnedImage(DatabaseConnection connection, bool ownsConnection)
    {
        _connection = connection;
        _ownsConnection = ownsConnection;
        _wal = new WalFile(connection.Path);
        Position = connection.GetPosition();
        _lockPage = (uint)(0x40000000 / Position.PageSize) + 1;
    }

    /// <summary>Where the image stands.</summary>
    public WalPosition Position { get; private set; }

    /// <summary>Opens a connection of its own to a database in WAL mode, and pins it. A database that is not in WAL mode is read under its own lock.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="busyTimeout">How long to wait for locks of others.</param>
    public static PinnedImage Open(string path, TimeSpan busyTimeout)
    {
        DatabaseConnection connection = DatabaseConnection.Open(path, busyTimeout);
        try
        {
            connection.Pin();
            return Create(connection, ownsConnection: true);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Opens a connection of its own and pins it, if that lands on an expected position; otherwise null.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="busyTimeout">How long to wait for locks of others.</param>
    /// <param name="expected">Where the pin must stand.</param>
    public static PinnedImage? TryOpenAt(string path, TimeSpan busyTimeout, in WalPosition expected)
    {
        DatabaseConnection connection = DatabaseConnection.Open(path, busyTimeout);
        try
        {
            connection.Pin();
            if (connection.GetPosition() == expected)
            {
                return Create(connection, ownsConnection: true);
            }
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        connection.Dispose();
        return null;
    }

    /// <summary>The image at a connection's pin, which stays with the caller and must outlive this.</summary>
    /// <param name="connection">A pinned connection.</param>
    public static PinnedImage Of(DatabaseConnection connection) => Create(connection, ownsConnection: false);

    /// <summary>
    /// Moves the image on to a later commit without a new pin, by the frames that have been written since: they are still there
    /// because we are pinned. False if they cannot be proven to lead there.
    /// </summary>
    /// <param name="target">A position of the same generation, or of the next one if the pin was at the end of its own.</param>
    public bool TryAdvance(in WalPosition target)
    {
        if (!_frames.TryScan(_wal, StartOf(target), target))
        {
            return false;
        }

        _advanced = true;
        Position = target;
        return true;
    }

    /// <summary>Reads consecutive pages. The lock page at 1 GiB reads as zeros.</summary>
    /// <param name="first">First page, 1 or more.</param>
    /// <param name="pages">Room for whole pages; all within the database.</param>
    public void ReadPages(uint first, Span<byte> pages)
    {
        ReadDatabaseFile(first, pages);
        if (_frames.Count == 0 || !OverlayFrames(first, pages))
        {
            return;
        }

        if (!_wal.TryReadHeader(out WalHeader header) || !header.IsGenerationOf(Position))
        {
            if (_advanced)
            {
                throw new DatabaseReplacedException(
                    $"The WAL of '{_connection.Path}' was replaced while it was pinned. Nothing was changed. Try again.")
                { Database = _connection.Path };
            }

            _frames.Clear();
            ReadDatabaseFile(first, pages);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _frames.Dispose();
        _wal.Dispose();
        if (_ownsConnection)
        {
            _connection.Dispose();
        }
    }

    private static PinnedImage Create(DatabaseConnection connection, bool ownsConnection)
    {
        var image = new PinnedImage(connection, ownsConnection);
        try
        {
            image.ScanFrames();
            return image;
        }
        catch
        {
            image._frames.Dispose();
            image._wal.Dispose();
            throw;
        }
    }

    private static WalPosition StartOf(in WalPosition position) => position with
    {
        Salt1 = 0,
        Salt2 = 0,
        MaxFrame = 0,
        ChangeCounter = null,
    };

    private void ScanFrames()
    {
        WalPosition position = Position;
        if (position.MaxFrame == 0 || _frames.TryScan(_wal, StartOf(position), position))
        {
            return;
        }

        // The scan may have met the next generation's frames: then we are in mark 0 and need none. Anything else is damage.
        bool reset = !_wal.TryReadHeader(out WalHeader header) || !header.IsGenerationOf(position);
        if (!reset)
        {
            throw new DatabaseIOException(string.Create(
                CultureInfo.InvariantCulture,
                $"The WAL of '{_connection.Path}' cannot be read as SQLite committed it: {_frames.Doubt}. Nothing was changed. Check the disk."))
            { Database = _connection.Path, File = _wal.Path };
        }
    }

    private bool OverlayFrames(uint first, Span<byte> pages)
    {
        int pageSize = Position.PageSize;
        uint end = first + (uint)(pages.Length / pageSize);
        int index = _frames.FirstAtOrAfter(first);
        bool any = false;
        for (; index < _frames.Count && _frames.PageNumber(index) < end; index++)
        {
            uint page = _frames.PageNumber(index);
            if (page != _lockPage)
            {
                _frames.ReadPage(index, pages.Slice((int)(page - first) * pageSize, pageSize));
                any = true;
            }
        }

        return any;
    }

    private void ReadDatabaseFile(uint first, Span<byte> pages)
    {
        int pageSize = Position.PageSize;
        uint count = (uint)(pages.Length / pageSize);
        if (_lockPage < first || _lockPage >= first + count)
        {
            _connection.ReadFile((first - 1) * (long)pageSize, pages);
            return;
        }

        int before = (int)(_lockPage - first) * pageSize;
        if (before > 0)
        {
            _connection.ReadFile((first - 1) * (long)pageSize, pages[..before]);
        }

        pages.Slice(before, pageSize).Clear();
        if (before + pageSize < pages.Length)
        {
            _connection.ReadFile(_lockPage * (long)pageSize, pages[(before + pageSize)..]);
        }
    }
}
