using Litestream.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Legacy;

/// <summary>
/// One WAL, put together from its parts in a temporary file beside the database to be, proven frame by frame, then copied into the
/// database as a checkpoint of SQLite does it: the newest committed image of each page, and the size of the last commit.
/// </summary>
/// <remarks>
/// SQLite itself could do it, but ends without a word at the first frame that does not meet its checksum: here that is an error.
/// </remarks>
internal sealed class WalSpool : IDisposable
{
    private readonly int _pageSize;
    private readonly SafeFileHandle _file;
    private readonly SortedDictionary<uint, long> _committed = [];
    private readonly byte[] _page;
    private uint _pageCount;

    /// <summary>Makes the file, in place of one that a crash has left.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="pageSize">Page size of the database in bytes.</param>
    public WalSpool(string path, int pageSize)
    {
        _pageSize = pageSize;
        _page = new byte[pageSize];
        _file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
    }

    /// <summary>Bytes of the WAL so far.</summary>
    public long Length { get; private set; }

    /// <summary>Forgets the WAL, to begin the next.</summary>
    public void Clear()
    {
        RandomAccess.SetLength(_file, 0);
        _committed.Clear();
        _pageCount = 0;
        Length = 0;
    }

    /// <summary>Adds bytes to the WAL's end.</summary>
    /// <param name="bytes">What comes next.</param>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file, bytes, Length);
        Length += bytes.Length;
    }

    /// <summary>Reads the WAL and proves it.</summary>
    /// <param name="end">How far it is good and committed, in bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What is wrong behind that, as a clause; null if nothing is but frames that were never committed.</returns>
    public string? Prove(out long end, CancellationToken cancellationToken)
    {
        end = 0;
        byte[] frame = new byte[WalFrameHeader.Size + _pageSize];
        if (!TryRead(frame.AsSpan(0, WalHeader.Size), 0) || !WalHeader.TryParse(frame, out WalHeader header))
        {
            return "no WAL begins there";
        }

        if (header.PageSize != _pageSize)
        {
            return $"its pages have {header.PageSize} bytes, those of the snapshot {_pageSize}";
        }

        end = WalHeader.Size;
        List<(uint Page, long Offset)> open = [];
        WalChecksum checksum = header.Checksum;
        for (long offset = end; offset < Length; offset += frame.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!TryRead(frame, offset))
            {
                return "it ends in the middle of a frame";
            }

            var found = WalFrameHeader.Parse(frame);
            checksum = checksum.Append(frame.AsSpan(0, 2 * sizeof(uint)), header.BigEndianChecksum)
                .Append(frame.AsSpan(WalFrameHeader.Size), header.BigEndianChecksum);
            if (found.Checksum != checksum || found.Salt1 != header.Salt1 || found.Salt2 != header.Salt2 || found.PageNumber == 0)
            {
                return "a frame of the WAL does not meet its checksum";
            }

            open.Add((found.PageNumber, offset + WalFrameHeader.Size));
            if (found.CommitSize > 0)
            {
                Commit(open, found.CommitSize);
                end = offset + frame.Length;
            }
        }

        return null;
    }

    /// <summary>Copies what was committed into the database.</summary>
    /// <param name="output">The database.</param>
    /// <param name="cancellationToken">Ends it; the database is then neither the old nor the new state.</param>
    public void Apply(IImageOutput output, CancellationToken cancellationToken)
    {
        foreach ((uint number, long offset) in _committed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (number > _pageCount)
            {
                break;
            }

            if (!TryRead(_page, offset))
            {
                throw new IOException("A temporary file is shorter than what was written to it.");
            }

            output.Write((number - 1L) * _pageSize, _page);
        }

        if (_pageCount > 0)
        {
            output.SetLength((long)_pageCount * _pageSize);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private bool TryRead(Span<byte> buffer, long offset)
    {
        int filled = 0;
        while (filled < buffer.Length && RandomAccess.Read(_file, buffer[filled..], offset + filled) is > 0 and int read)
        {
            filled += read;
        }

        return filled == buffer.Length;
    }

    private void Commit(List<(uint Page, long Offset)> open, uint pageCount)
    {
        foreach ((uint page, long offset) in open)
        {
            _committed[page] = offset;
        }

        open.Clear();
        _pageCount = pageCount;
    }
}
