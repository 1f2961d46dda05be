using System.Diagnostics;
using Litestream.Diagnostics;
using Litestream.Ltx;
using Litestream.Sqlite;
using Litestream.State;

namespace Litestream.Replication;

/// <summary>
/// A live database, open and pinned, from which commits are captured into the staging area. Used by one thread at a time.
/// </summary>
/// <remarks>
/// What is captured is known by <see cref="Captured"/>; the pin stands at or after it. A window between the two that could not be
/// staged (disk full) stays where it is: the next capture takes the same window again and does not leap before it is staged.
/// The order at each capture: the file stands whole in the staging folder, then it is put in line for the replica, the page
/// checksums are noted, and last the head record is written, which may fail: nothing that counts comes after it. A kill before it
/// leaves a file without a head record: its transaction counts (the next start replays it into the table), its position is
/// unknown, so the next start compares every page.
/// </remarks>
internal sealed class CaptureSession : IDisposable
{
    private const int PinAttempts = 10;

    private readonly LocalStateFolder _folder;
    private readonly StagingArea _staging;
    private readonly PageChecksumTable _table;
    private readonly HeadRecordFile _head;
    private readonly StatusBoard _board;
    private readonly TimeProvider _time;
    private readonly WalFile _wal;
    private readonly WalWindow _window = new();
    private readonly List<(uint Page, ulong Checksum)> _checksums = [];
    private readonly LockGuard _guard;
    private readonly FileIdentity _database;
    private readonly byte[] _page;
    private DateTimeOffset _lastTimestamp;

    /// <summary>Takes over an open database whose state up to a transaction is proven.</summary>
    /// <param name="pins">The pinned database; this owns it from now on.</param>
    /// <param name="folder">Its local state folder.</param>
    /// <param name="staging">Where captured files go.</param>
    /// <param name="table">The page checksum table, brought up to <paramref name="captured"/>.</param>
    /// <param name="head">The head record file.</param>
    /// <param name="captured">The last transaction captured, and where it ended.</param>
    /// <param name="board">Where figures go.</param>
    /// <param name="time">The clock.</param>
    public CaptureSession(
        LeapfrogPins pins,
        LocalStateFolder folder,
        StagingArea staging,
        PageChecksumTable table,
        HeadRecordFile head,
        CapturedState captured,
        StatusBoard board,
        TimeProvider time)
    {
        Pins = pins;
        Captured = captured;
        _folder = folder;
        _staging = staging;
        _table = table;
        _head = head;
        _board = board;
        _time = time;
        _wal = new WalFile(folder.DatabasePath);
        _page = new byte[captured.Position.PageSize];
        _guard = new LockGuard(folder.DatabasePath);
        if (!FileIdentity.TryGet(folder.DatabasePath, out _database))
        {
            throw Replaced("deleted");
        }
    }

    /// <summary>
    /// Whether the replica ends with a file that another replicator wrote, as after a restore. Until it has one of ours, only the
    /// checksum in the saved table tells that we may continue it, so the table is not moved on.
    /// </summary>
    public bool ContinuesForeign { get; init; }

    /// <summary>The time of the newest file; at the start, of any that there is: no captured file gets an earlier one.</summary>
    public DateTimeOffset LastTimestamp
    {
        get => _lastTimestamp;
        init => _lastTimestamp = value;
    }

    /// <summary>Whether captures are gathered into one file until <see cref="Seal"/>.</summary>
    public bool Gathers { get; init; }

    /// <summary>Whether captures wait for <see cref="Seal"/>: they are parts of the transaction that is <see cref="Captured"/>.</summary>
    public bool HasOpen => _staging.HasOpen;

    /// <summary>The pins.</summary>
    public LeapfrogPins Pins { get; }

    /// <summary>The last transaction captured, and where it ended.</summary>
    public CapturedState Captured { get; private set; }

    /// <summary>How often something new was captured.</summary>
    public long Captures { get; private set; }

    /// <summary>Full path of the WAL.</summary>
    public string WalPath => _wal.Path;

    /// <summary>Length of the WAL file in bytes.</summary>
    public long WalLength => _wal.Length;

    /// <summary>
    /// Whether the WAL holds anything behind what was captured: a valid looking next frame, or the header of another generation.
    /// Two small reads; nothing is opened, nothing allocated.
    /// </summary>
    public bool HasNews()
    {
        WalPosition at = Captured.Position;
        if (Pins.Position != at)
        {
            return true;
        }

        if (!_wal.TryReadHeader(out WalHeader header))
        {
            return false;
        }

        if (!header.IsGenerationOf(at))
        {
            return _wal.TryReadFrameHeader(WalHeader.Size, out WalFrameHeader first)
                && first.Salt1 == header.Salt1 && first.Salt2 == header.Salt2;
        }

        return _wal.TryReadFrameHeader(at.EndOffset, out WalFrameHeader next) && next.IsGenerationOf(at);
    }

    /// <summary>
    /// Whether about this many bytes of the WAL wait behind what was captured, committed or not: one frame's header tells.
    /// </summary>
    /// <param name="bytes">How many.</param>
    public bool HasBacklog(long bytes)
    {
        if (!_wal.TryReadHeader(out WalHeader header))
        {
            return false;
        }

        WalPosition at = Captured.Position;
        long begin = header.IsGenerationOf(at) ? at.EndOffset : WalHeader.Size;
        return _wal.TryReadFrameHeader(begin + (bytes / at.FrameSize * at.FrameSize), out WalFrameHeader frame)
            && frame.Salt1 == header.Salt1 && frame.Salt2 == header.Salt2;
    }

    /// <summary>Moves the pin to what is committed by now, unless it stands before something uncaptured already.</summary>
    /// <returns>Bytes of the WAL that are committed and not captured.</returns>
    public long Leap()
    {
        if (Pins.Position == Captured.Position)
        {
            Pins.Leap();
        }

        WalPosition to = Pins.Position;
        return to.SameGeneration(Captured.Position) ? to.EndOffset - Captured.Position.EndOffset : to.EndOffset;
    }

    /// <summary>Captures everything that is committed by now. True if that was anything.</summary>
    /// <exception cref="LocalStateException">It could not be staged. Nothing is lost: it stays in the WAL, and the next call takes it again.</exception>
    public bool Capture()
    {
        Leap();
        WalPosition to = Pins.Position;
        if (!_window.TryScan(_wal, Captured.Position, to))
        {
            return CaptureByScan();
        }

        if (_window.Count == 0)
        {
            Captured = Captured with { Position = to };
            return false;
        }

        CaptureWindow(to);
        return true;
    }

    /// <summary>
    /// Pins, on a connection of its own, exactly the state that is captured, so that a full image of that transaction can be made while
    /// capture goes on. Null if writers were too quick each time.
    /// </summary>
    /// <param name="busyTimeout">How long to wait for locks of others.</param>
    public (PinnedImage Image, CapturedState Captured)? TryPinCaptured(TimeSpan busyTimeout)
    {
        for (int attempt = 0; attempt < PinAttempts; attempt++)
        {
            Capture();
            Seal();
            if (PinnedImage.TryOpenAt(_folder.DatabasePath, busyTimeout, Captured.Position) is { } image)
            {
                return (image, Captured);
            }
        }

        return null;
    }

    /// <summary>
    /// Reads every page at the present pin and captures those that are not as the replica has them: what closes a gap that the WAL
    /// cannot prove. True if there were any.
    /// </summary>
    public bool CaptureByScan()
    {
        _board.Update(status => status with { Scans = status.Scans + 1 });
        WalPosition to = Pins.Position;
        using PinnedImage image = PinnedImage.Of(Pins.Pinned);
        var scan = new PageScan(image, _table, Captured.PageCount);
        if (!scan.FindFirstDifference())
        {
            Captured = Captured with { Position = to };
            WriteHead();
            return false;
        }

        Seal();
        Stage(to, continues: false, gathers: false, encoder => scan.WriteDifferences((page, content) => WritePage(encoder, page, content)), transactions: 0);
        return true;
    }

    /// <summary>Whether every page at the present pin is as the replica has it.</summary>
    public bool EqualsTable()
    {
        using PinnedImage image = PinnedImage.Of(Pins.Pinned);
        return !new PageScan(image, _table, Captured.PageCount).FindFirstDifference();
    }

    /// <summary>Notices, at leisure, what would make the pins worthless: locks gone, database or WAL replaced or deleted under us.</summary>
    /// <param name="lockAge">How old the kernel's list of locks may be: one reading, long where there are many databases, serves them all.</param>
    /// <exception cref="DatabaseReplacedException">The session must be ended and the state proven anew.</exception>
    public void EnsureIntact(TimeSpan lockAge)
    {
        if (!FileIdentity.TryGet(_folder.DatabasePath, out FileIdentity named))
        {
            throw Replaced("deleted");
        }

        if (!named.SameFile(_database))
        {
            throw Replaced("replaced by another file");
        }

        if (!_wal.IsCurrent())
        {
            throw Replaced("separated from its WAL, which was replaced");
        }

        if (!_guard.LocksStand(lockAge))
        {
            throw new DatabaseReplacedException(
                $"The locks on '{_folder.DatabasePath}' are gone: something in this process opened and closed the database or its -shm file. Nothing is lost: the state is proven anew before replication goes on. Do not touch the database from the process that replicates it.")
            { Database = _folder.DatabasePath };
        }
    }

    /// <summary>Writes where the last transaction ended. Not needed for safety: it spares the next start a scan.</summary>
    public void WriteHead()
    {
        WalPosition at = Captured.Position;
        var record = new HeadRecord(
            Captured.Txid, Captured.FileChecksum, at.Salt1, at.Salt2, at.MaxFrame, at.Checksum1, at.Checksum2, at.PageCount, at.PageSize);
        _folder.Guard("written", () => _head.Write(record));
    }

    /// <summary>Ends the transaction that gathers captures, and puts it in line for the replicas.</summary>
    /// <exception cref="LocalStateException">It could not be written; the captures stay as they are.</exception>
    public void Seal() => Note(_staging.SealOpen());

    /// <summary>Makes everything captured durable, so that a checkpoint may let its frames go.</summary>
    public void MakeDurable()
    {
        Note(_staging.MakeOpenDurable());
        _staging.MakeDurable(); // flushes the folder too
    }

    /// <summary>How long files stay here after every replica has them, so that merges need not ask for them.</summary>
    public TimeSpan KeepFor { get; init; }

    /// <summary>Whether files are held that nobody needs any more.</summary>
    public bool HasExpiredFiles => KeepFor > TimeSpan.Zero && _staging.HasExpired(_table.Txid, _time.GetUtcNow() - KeepFor);

    /// <summary>Saves the page checksum table and deletes the files that it covers. Everything staged is made durable first.</summary>
    /// <param name="last">Whether this is the end: no file is kept for merges.</param>
    public void SaveTable(bool last = false)
    {
        if (ContinuesForeign && !_staging.AnyUploaded)
        {
            return;
        }

        Seal();
        _staging.MakeDurable();
        if (_table.Txid != Captured.Txid || _table.PendingCount > 0)
        {
            _folder.Guard("saved", () => _table.Save(Captured.Txid, Captured.FileChecksum, Captured.PageCount));
        }

        _staging.DeleteCovered(_table.Txid, last || KeepFor == TimeSpan.Zero ? DateTimeOffset.MaxValue : _time.GetUtcNow() - KeepFor);
    }

    /// <summary>Page checksums that are not saved yet.</summary>
    public int UnsavedChecksums => _table.PendingCount;

    /// <inheritdoc/>
    public void Dispose()
    {
        _window.Dispose();
        _wal.Dispose();
        Pins.Dispose();
    }

    private void CaptureWindow(WalPosition to)
    {
        List<uint> unwritten = FindUnwrittenGrowth(to);
        PinnedImage? image = unwritten.Count > 0 ? PinnedImage.Of(Pins.Pinned) : null;
        try
        {
            bool continues = Captured.Position.SameGeneration(to);
            bool gathers = Gathers && (long)(_window.Count + unwritten.Count) * to.PageSize <= OpenTransaction.MaxBytes;
            if (!gathers)
            {
                Seal();
            }

            Stage(to, continues, gathers, encoder => WriteWindow(encoder, unwritten, image), _window.Commits);
        }
        finally
        {
            image?.Dispose();
        }
    }

    // SQLite may grow a database by pages that it never writes (free pages). Each page behind the smallest size that the database
    // had in the window must be in the file all the same, as SQLite would read it now: else a restore lacks it, or keeps an older
    // page of that number from before the shrink.
    private List<uint> FindUnwrittenGrowth(in WalPosition to)
    {
        List<uint> unwritten = [];
        uint lockPage = LockPage.Number(to.PageSize);
        int index = _window.FirstAtOrAfter(_window.SmallestPageCount + 1);
        for (uint page = _window.SmallestPageCount + 1; page <= to.PageCount; page++)
        {
            if (index < _window.Count && _window.PageNumber(index) == page)
            {
                index++;
            }
            else if (page != lockPage)
            {
                unwritten.Add(page);
            }
        }

        return unwritten;
    }

    private void WriteWindow(LtxEncoder encoder, List<uint> unwritten, PinnedImage? image)
    {
        int next = 0;
        for (int i = 0; i < _window.Count; i++)
        {
            uint page = _window.PageNumber(i);
            while (next < unwritten.Count && unwritten[next] < page)
            {
                WriteUnwritten(encoder, unwritten[next++], image!);
            }

            WritePage(encoder, page, _window.Page(i, _page)); // _page is free here: what needed it is written
        }

        while (next < unwritten.Count)
        {
            WriteUnwritten(encoder, unwritten[next++], image!);
        }
    }

    private void WriteUnwritten(LtxEncoder encoder, uint page, PinnedImage image)
    {
        image.ReadPages(page, _page);
        WritePage(encoder, page, _page);
    }

    private void WritePage(LtxEncoder encoder, uint page, ReadOnlySpan<byte> content)
    {
        encoder.WritePage(page, content);
        _checksums.Add((page, PageChecksum.Compute(page, content)));
    }

    // What was gathered in a transaction is another file after it was folded.
    private void Note(StagedFile? file)
    {
        if (file is not null && file.FileChecksum != Captured.FileChecksum)
        {
            Captured = Captured with { FileChecksum = file.FileChecksum };
            WriteHead();
        }
    }

    private void Stage(WalPosition to, bool continues, bool gathers, Action<LtxEncoder> writePages, int transactions)
    {
        _checksums.Clear();
        long begin = Stopwatch.GetTimestamp();
        ulong txid = HasOpen ? Captured.Txid : Captured.Txid + 1;
        long walStart = continues ? Captured.Position.EndOffset : WalHeader.Size;
        LtxHeader header = CaptureHeader.Create(to, txid, txid, walStart, NextTimestamp(), _table.NodeId);
        StagedFile file = gathers ? _staging.WriteOpen(header, writePages) : _staging.Write(header, writePages);
        Captured = new CapturedState(txid, file.FileChecksum, to.PageCount, to);
        Captures++;
        if (!gathers)
        {
            _staging.Enqueue(file);
        }

        foreach ((uint page, ulong checksum) in _checksums)
        {
            _table.Set(page, checksum);
        }

        _board.Update(status => status with
        {
            CapturedTxid = txid,
            Transactions = status.Transactions + transactions,
            Pages = status.Pages + _checksums.Count,
        });
        WriteHead();
        LitestreamMeter.CountSync(_folder.DatabasePath, header.WalSize, Stopwatch.GetElapsedTime(begin));
    }

    // A clock that is set back must not reorder transactions, also not behind those of an earlier session.
    private DateTimeOffset NextTimestamp()
    {
        DateTimeOffset now = _time.GetUtcNow();
        return _lastTimestamp = now > _lastTimestamp ? now : _lastTimestamp;
    }

    private DatabaseReplacedException Replaced(string how) => new(
        $"'{_folder.DatabasePath}' was {how} while it was replicated. The replica holds everything up to transaction {Captured.Txid} and stays as it is; when a database is there again, its pages are compared and the difference is sent.")
    { Database = _folder.DatabasePath, Txid = Captured.Txid };
}
