using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Litestream.Sqlite;

/// <summary>
/// The frames that were committed between two positions: read once, proven frame by frame, and reduced to the newest frame of
/// each page. Reused from window to window; used by one thread.
/// </summary>
/// <remarks>
/// The proof, for a window (from, to] under a pin at <c>to</c>:
/// each frame carries the generation's salts and the cumulative checksum of everything before it, and the last one's checksum is
/// the one in the wal-index at <c>to</c>. So these are the frames that SQLite committed, none more, none missing inside the
/// generation. Against a whole generation lost between <c>from</c> and <c>to</c> (our locks dropped behind our back) stands the
/// change counter of the wal-index: it grows by one at each commit, so the commits in the window must be as many.
/// SQLite pads a transaction to a full sector by repeating its last frame on devices without powersafe overwrite; such repeats
/// look like commits and are allowed for.
/// </remarks>
internal sealed class WalWindow : IDisposable
{
    /// <summary>Windows up to this many bytes are kept in memory between proof and use; larger ones are read again page by page.</summary>
    private const int ResidentLimit = 8 << 20;

    private ulong[] _entries = new ulong[256];
    private byte[]? _buffer;
    private WalFile? _wal;
    private WalPosition _to;
    private uint _firstFrame;
    private bool _resident;
    private bool _bigEndian;
    private int _repeats;
    private uint _lastPage;

    /// <summary>How many pages have a frame in the window and are part of the database at its end.</summary>
    public int Count { get; private set; }

    /// <summary>Transactions in the window.</summary>
    public int Commits { get; private set; }

    /// <summary>The smallest size in pages that the database had at any commit in the window, or before it.</summary>
    public uint SmallestPageCount { get; private set; }

    /// <summary>Why the last scan proved nothing, for a person to read.</summary>
    public string Doubt { get; private set; } = "";

    /// <summary>The page number of an entry; entries are in ascending order of it.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public uint PageNumber(int index) => (uint)(_entries[index] >> 32);

    /// <summary>The frame that holds the newest image of an entry's page.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public uint Frame(int index) => (uint)_entries[index];

    /// <summary>Reads and proves the window (from, to]. False, with <see cref="Doubt"/>, if nothing is proven; then the window is empty.</summary>
    /// <param name="wal">The WAL file.</param>
    /// <param name="from">Everything up to here is known.</param>
    /// <param name="to">Where the present pin stands.</param>
    public bool TryScan(WalFile wal, in WalPosition from, in WalPosition to)
    {
        Release();
        _wal = wal;
        _to = to;
        bool same = from.SameGeneration(to);
        _firstFrame = same ? from.MaxFrame + 1 : 1;
        SmallestPageCount = Math.Min(from.PageCount, to.PageCount);
        if (to.MaxFrame < _firstFrame)
        {
            return TryProveEmpty(from, to, same);
        }

        if (!wal.TryReadHeader(out WalHeader header) || !header.IsGenerationOf(to) || header.PageSize != to.PageSize)
        {
            return Fail("the WAL's header is not that of the generation that is pinned");
        }

        _bigEndian = header.BigEndianChecksum;
        WalChecksum checksum = same && from.MaxFrame > 0 ? new WalChecksum(from.Checksum1, from.Checksum2) : header.Checksum;
        return TryReadFrames(checksum) && TryProveCommits(from, to) && Reduce();
    }

    /// <summary>Gives the image of an entry's page.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="scratch">A page's worth of room, used if the window is not in memory.</param>
    /// <returns>The page; valid until the next scan or the next use of <paramref name="scratch"/>.</returns>
    public ReadOnlySpan<byte> Page(int index, Span<byte> scratch)
    {
        if (_resident)
        {
            int start = checked((int)((Frame(index) - _firstFrame) * _to.FrameSize)) + WalFrameHeader.Size;
            return _buffer.AsSpan(start, _to.PageSize);
        }

        ReadPage(index, scratch);
        return scratch[.._to.PageSize];
    }

    /// <summary>Copies the image of an entry's page from the WAL file.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="page">Where to.</param>
    public void ReadPage(int index, Span<byte> page)
    {
        long offset = WalHeader.Size + ((Frame(index) - 1) * _to.FrameSize) + WalFrameHeader.Size;
        if (_wal!.Read(offset, page[.._to.PageSize]) != _to.PageSize)
        {
            throw new DatabaseIOException($"'{_wal.Path}' ends before a frame that SQLite has committed. What was captured before is safe; replication proves its state anew.")
            { Database = _wal.DatabasePath, File = _wal.Path };
        }
    }

    /// <summary>The entry of a page, or a negative number if it has none.</summary>
    /// <param name="pageNumber">The page.</param>
    public int IndexOf(uint pageNumber)
    {
        int index = FirstAtOrAfter(pageNumber);
        return index < Count && PageNumber(index) == pageNumber ? index : -1;
    }

    /// <summary>The first entry whose page number is at least this one.</summary>
    /// <param name="pageNumber">The page.</param>
    public int FirstAtOrAfter(uint pageNumber)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            if (PageNumber(middle) < pageNumber)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Forgets the entries, as if no page had a frame.</summary>
    public void Clear() => Count = 0;

    /// <inheritdoc/>
    public void Dispose() => Release();

    private void Release()
    {
        Count = 0;
        Commits = 0;
        _repeats = 0;
        _lastPage = 0;
        Doubt = "";
        _resident = false;
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }

        if (_entries.Length > 1 << 16)
        {
            _entries = new ulong[256]; // one huge transaction shall not cost its memory for ever
        }
    }

    // An empty window still has to be one: same place, or a reset after which nothing was committed.
    private bool TryProveEmpty(in WalPosition from, in WalPosition to, bool same)
    {
        if (same && (to.MaxFrame < from.MaxFrame || (to.MaxFrame > 0 && (to.Checksum1 != from.Checksum1 || to.Checksum2 != from.Checksum2))))
        {
            return Fail("the WAL's last frame is not the one that was captured");
        }

        if (to.PageCount != from.PageCount)
        {
            return Fail("the size of the database changed without a frame in the WAL");
        }

        return TryProveCommits(from, to);
    }

    private bool TryReadFrames(WalChecksum checksum)
    {
        long frameSize = _to.FrameSize;
        long total = (_to.MaxFrame - _firstFrame + 1) * frameSize;
        _resident = total <= ResidentLimit;
        int perChunk = (int)(Math.Min(total, ResidentLimit) / frameSize);
        _buffer = ArrayPool<byte>.Shared.Rent((int)(perChunk * frameSize));
        for (long frame = _firstFrame; frame <= _to.MaxFrame; frame += perChunk)
        {
            int frames = (int)Math.Min(perChunk, _to.MaxFrame - frame + 1);
            Span<byte> chunk = _buffer.AsSpan(0, (int)(frames * frameSize));
            if (_wal!.Read(WalHeader.Size + ((frame - 1) * frameSize), chunk) != chunk.Length)
            {
                return Fail("the WAL file is shorter than what SQLite has committed");
            }

            if (!TryTakeFrames(chunk, (uint)frame, ref checksum))
            {
                return false;
            }
        }

        if (checksum.S0 != _to.Checksum1 || checksum.S1 != _to.Checksum2)
        {
            return Fail("the last frame's checksum is not the one that SQLite has committed");
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryTakeFrames(ReadOnlySpan<byte> chunk, uint frame, ref WalChecksum checksum)
    {
        int frameSize = (int)_to.FrameSize;
        bool afterCommit = false;
        for (int offset = 0; offset < chunk.Length; offset += frameSize, frame++)
        {
            ReadOnlySpan<byte> bytes = chunk.Slice(offset, frameSize);
            WalFrameHeader header = WalFrameHeader.Parse(bytes);
            checksum = checksum.Append(bytes[..8], _bigEndian).Append(bytes[WalFrameHeader.Size..], _bigEndian);
            if (!header.IsGenerationOf(_to) || header.Checksum != checksum || header.PageNumber == 0)
            {
                return Fail(string.Create(CultureInfo.InvariantCulture, $"frame {frame} of the WAL does not continue what was before it"));
            }

            if (header.CommitSize != 0)
            {
                Commits++;
                _repeats += afterCommit && header.PageNumber == _lastPage ? 1 : 0;
                SmallestPageCount = Math.Min(SmallestPageCount, header.CommitSize);
            }

            afterCommit = header.CommitSize != 0;
            _lastPage = header.PageNumber;
            Add(header.PageNumber, frame);
        }

        return true;
    }

    private bool TryProveCommits(in WalPosition from, in WalPosition to)
    {
        if (from.ChangeCounter is not { } before || to.ChangeCounter is not { } after)
        {
            return true; // never counted, as after a restart: then the caller knows the generation by its salts and last frame
        }

        uint counted = after - before;
        if (counted > Commits || counted < Commits - _repeats)
        {
            return Fail(string.Create(
                CultureInfo.InvariantCulture,
                $"SQLite counts {counted} commits since the last capture, the WAL holds {Commits}"));
        }

        return true;
    }

    private void Add(uint pageNumber, uint frame)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, _entries.Length * 2);
        }

        _entries[Count++] = ((ulong)pageNumber << 32) | frame;
    }

    // Sorted by page and frame, the last entry of a page is its newest frame.
    private bool Reduce()
    {
        Span<ulong> entries = _entries.AsSpan(0, Count);
        entries.Sort();
        int kept = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            uint page = (uint)(entries[i] >> 32);
            bool newest = i + 1 == entries.Length || (uint)(entries[i + 1] >> 32) != page;
            if (newest && page <= _to.PageCount)
            {
                entries[kept++] = entries[i];
            }
        }

        Count = kept;
        return true;
    }

    private bool Fail(string doubt)
    {
        Release();
        Doubt = doubt;
        return false;
    }
}
