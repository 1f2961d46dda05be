using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Litestream.Ltx;

/// <summary>
/// Goes through one replica file from its first byte to its last without decompressing its pages, and checks all that stands around them:
/// header, page headers, index, trailer, and that nothing follows. Whoever decompresses the pages hands in what the checksums need of
/// them. Memory does not depend on the file. Not safe for use by two threads at once.
/// </summary>
/// <remarks>
/// Nothing of the index needs to be kept to check it: the pages say what it must be, so the checksum and the length of the
/// index to come are built while they pass.
/// </remarks>
internal sealed class LtxScanner : IAsyncDisposable
{
    private readonly Stream _stream;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private bool _endOfStream;
    private long _position; // of _buffer[_start] in the file

    private LtxHeader _header;
    private uint _lockPage;
    private int _maxPageLength;
    private int _length; // of the present page in the file
    private byte[]? _scratch;
    private Crc64 _crc;
    private Crc64 _expectedIndex;
    private long _expectedIndexLength;
    private ulong _rolling = PageChecksum.Flag;
    private LtxTrailer _trailer;
    private LtxFormatException? _failure;

    private LtxScanner(Stream stream, string file, int bufferSize)
    {
        _stream = stream;
        File = file;
        _buffer = ArrayPool<byte>.Shared.Rent(bufferSize);
    }

    /// <summary>The header.</summary>
    public LtxHeader Header => _header;

    /// <summary>The trailer, once the end has been reached.</summary>
    /// <exception cref="InvalidOperationException">It has not.</exception>
    public LtxTrailer Trailer => IsFinished ? _trailer : throw new InvalidOperationException("The end of the replica file was not reached.");

    /// <summary>Whether the end was reached and all checks were met.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>The name that was given for the file.</summary>
    public string File { get; }

    /// <summary>Bytes passed so far; the file's length once the end has been reached.</summary>
    public long Position => _position;

    /// <summary>Pages passed so far.</summary>
    public long PageCount { get; private set; }

    /// <summary>The present page's number; 0 before the first.</summary>
    public uint Number { get; private set; }

    /// <summary>Whether the present page is a raw LZ4 block behind its length, as <see cref="LtxEncoder.WriteEncodedPage"/> takes it.</summary>
    public bool IsBlock { get; private set; }

    /// <summary>The present page as it stands in the file. Valid until the next call.</summary>
    public ReadOnlySpan<byte> Encoded => _buffer.AsSpan(_start - _length, _length);

    /// <summary>Where the present page begins in the file.</summary>
    public long PageStart => _position - _length;

    /// <summary>Whether the checksum of each page is needed, beside that of the file.</summary>
    public bool NeedsPageChecksums => !_header.NoChecksum && _header.IsFullImage;

    /// <summary>Reads the header.</summary>
    /// <param name="stream">The file from its first byte; it is owned, also if this fails.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="bufferSize">Bytes to read at a time; raised to what the largest page of the file needs.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The header breaks a rule of the format.</exception>
    public static async Task<LtxScanner> OpenAsync(Stream stream, string file, int bufferSize, CancellationToken cancellationToken)
    {
        var scanner = new LtxScanner(stream, file, Math.Max(bufferSize, LtxHeader.Length));
        try
        {
            await scanner.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            return scanner;
        }
        catch
        {
            await scanner.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Steps to the next page if it is in memory whole; false if it is not, or if there is none.</summary>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public bool TryNext()
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        if (_end - _start < _maxPageLength || AtEndMarker)
        {
            return false;
        }

        TakePage();
        return true;
    }

    /// <summary>Steps to the next page; false after the last, when <see cref="FinishAsync"/> is to follow.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        await FillAsync(_maxPageLength, cancellationToken).ConfigureAwait(false);
        if (AtEndMarker)
        {
            return false;
        }

        TakePage();
        return true;
    }

    /// <summary>Decompresses the present page and hands in what the checksums need of it.</summary>
    /// <param name="page">Filled whole.</param>
    /// <exception cref="LtxFormatException">It cannot be decompressed.</exception>
    public void Decode(Span<byte> page)
    {
        if (!LtxPageFormat.TryDecode(Encoded, page))
        {
            throw Undecodable(PageStart, Number);
        }

        _crc.Append(LtxPageFormat.CheckedHeader(Encoded));
        _crc.Append(page);
        if (NeedsPageChecksums)
        {
            _rolling = PageChecksum.Flag | (_rolling ^ PageChecksum.Compute(Number, page));
        }
    }

    /// <summary>Hands in what the checksums need of the pages that were passed since the last time.</summary>
    /// <param name="crc">The checksum of their headers and contents alone.</param>
    /// <param name="length">Length in bytes of what it was computed of.</param>
    /// <param name="pages">All their checksums, combined by XOR; not looked at unless <see cref="NeedsPageChecksums"/>.</param>
    public void Append(Crc64 crc, long length, ulong pages)
    {
        _crc.Append(crc, length);
        _rolling = PageChecksum.Flag | (_rolling ^ pages);
    }

    /// <summary>The error for a page that cannot be decompressed.</summary>
    /// <param name="start">Where it begins in the file.</param>
    /// <param name="number">Its number.</param>
    public LtxFormatException Undecodable(long start, uint number) =>
        _failure = new LtxFormatException(File, start + LtxPageFormat.BlockHeaderLength, $"page {number} cannot be decompressed to a page");

    /// <summary>Reads and checks what stands behind the pages, once all of them were handed in.</summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        _length = 0;
        if (_header.IsFullImage && PageCount != _header.PagesOfFullImage)
        {
            throw Fail(0, $"a full image of {_header.Commit} pages ends after page {Number}");
        }

        _crc.Append(Available[..LtxPageFormat.PageHeaderLength]);
        Consume(LtxPageFormat.PageHeaderLength);
        await CheckIndexAsync(cancellationToken).ConfigureAwait(false);
        await FillAsync(LtxPageFormat.TailLength + 1, cancellationToken).ConfigureAwait(false);
        CheckTail();
        IsFinished = true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = _end = _length = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            await _stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool AtEndMarker =>
        _end - _start >= LtxPageFormat.PageHeaderLength
        && !_buffer.AsSpan(_start, LtxPageFormat.PageHeaderLength).ContainsAnyExcept((byte)0);

    private ReadOnlySpan<byte> Available => _buffer.AsSpan(_start, _end - _start);

    private async Task ReadHeaderAsync(CancellationToken cancellationToken)
    {
        await FillAsync(LtxHeader.Length, cancellationToken).ConfigureAwait(false);
        _header = LtxHeader.Parse(Available, File);
        _crc.Append(Available[..LtxHeader.Length]);
        Consume(LtxHeader.Length);
        _lockPage = LockPage.Number(_header.PageSize);
        _maxPageLength = LtxPageFormat.MaxPageLength(_header.PageSize);
        if (_buffer.Length < _maxPageLength)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_maxPageLength);
            Available.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            (_buffer, _start, _end) = (larger, 0, _end - _start);
        }
    }

    // All of the page is in the buffer, or the file ends within it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakePage()
    {
        ReadOnlySpan<byte> source = Available;
        if (source.Length < LtxPageFormat.PageHeaderLength)
        {
            throw Fail(source.Length, "it ends within its pages");
        }

        uint number = BinaryPrimitives.ReadUInt32BigEndian(source);
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(source[sizeof(uint)..]);
        CheckPageHeader(number, flags);
        IsBlock = flags == LtxPageFormat.BlockFlag;
        int length = IsBlock ? BlockLength(source) : FrameLength(source);
        ExpectIndexEntry(new LtxPageIndexEntry(number, _position, length));
        Number = number;
        PageCount++;
        Consume(length);
        _length = length;
    }

    private void CheckPageHeader(uint number, ushort flags)
    {
        if ((flags & ~LtxPageFormat.BlockFlag) != 0)
        {
            throw Fail(sizeof(uint), "the flags of a page are not known");
        }

        if (!_header.Admits(number) || number <= Number)
        {
            throw Fail(0, $"page {number} follows page {Number} in a file of a database of {_header.Commit} pages");
        }

        if (_header.IsFullImage && number != Number + (Number + 1 == _lockPage ? 2u : 1u))
        {
            throw Fail(0, $"page {number} follows page {Number} in a full image");
        }
    }

    private int BlockLength(ReadOnlySpan<byte> source)
    {
        if (source.Length < LtxPageFormat.BlockHeaderLength)
        {
            throw Fail(source.Length, "it ends within its pages");
        }

        uint size = BinaryPrimitives.ReadUInt32BigEndian(source[LtxPageFormat.PageHeaderLength..]);
        if (size == 0 || size > (uint)LtxPageFormat.MaxBlockLength(_header.PageSize))
        {
            throw Fail(LtxPageFormat.PageHeaderLength, $"a compressed page cannot have {size} bytes");
        }

        int length = LtxPageFormat.BlockHeaderLength + (int)size;
        return source.Length >= length ? length : throw Fail(source.Length, "it ends within its pages");
    }

    // Only decompressing tells where a frame ends.
    private int FrameLength(ReadOnlySpan<byte> source)
    {
        _scratch ??= new byte[_header.PageSize];
        ReadOnlySpan<byte> frame = source[LtxPageFormat.PageHeaderLength..Math.Min(source.Length, _maxPageLength)];
        return Lz4Frame.Decode(frame, _scratch, out int consumed) is { } problem
            ? throw Fail(LtxPageFormat.PageHeaderLength + consumed, problem)
            : LtxPageFormat.PageHeaderLength + consumed;
    }

    private void ExpectIndexEntry(in LtxPageIndexEntry entry)
    {
        Span<byte> bytes = stackalloc byte[3 * LtxPageFormat.MaxVarintLength];
        int length = LtxPageFormat.WriteIndexEntry(bytes, entry);
        _expectedIndex.Append(bytes[..length]);
        _expectedIndexLength += length;
    }

    private async ValueTask CheckIndexAsync(CancellationToken cancellationToken)
    {
        long start = _position;
        _expectedIndex.Append([0]);
        _expectedIndexLength++;
        Crc64 index = default;
        for (long left = _expectedIndexLength; left > 0;)
        {
            await FillAsync(1, cancellationToken).ConfigureAwait(false);
            int piece = (int)Math.Min(left, _end - _start);
            if (piece == 0)
            {
                throw Fail(0, "it ends within its index");
            }

            index.Append(Available[..piece]);
            _crc.Append(Available[..piece]);
            Consume(piece);
            left -= piece;
        }

        if (index.Value != _expectedIndex.Value)
        {
            throw Fail(start - _position, "its index is not that of its pages");
        }
    }

    private void CheckTail()
    {
        ReadOnlySpan<byte> tail = Available;
        if (tail.Length < LtxPageFormat.TailLength)
        {
            throw Fail(tail.Length, "it ends within its trailer");
        }

        if (BinaryPrimitives.ReadUInt64BigEndian(tail) != (ulong)_expectedIndexLength)
        {
            throw Fail(0, "the length of its index is not that of its pages");
        }

        _trailer = LtxTrailer.Parse(tail[sizeof(ulong)..], _header, File, _position + sizeof(ulong));
        _crc.Append(tail[..(2 * sizeof(ulong))]);
        if (_trailer.FileChecksum != (PageChecksum.Flag | _crc.Value))
        {
            throw Fail(2 * sizeof(ulong), "it does not meet its checksum; any byte before may be wrong");
        }

        if (NeedsPageChecksums && _trailer.PostApplyChecksum != _rolling)
        {
            throw Fail(sizeof(ulong), "its pages do not meet the checksum of the database");
        }

        if (tail.Length > LtxPageFormat.TailLength)
        {
            throw Fail(LtxPageFormat.TailLength, "something follows its end");
        }

        Consume(LtxPageFormat.TailLength);
    }

    private LtxFormatException Fail(long ahead, string problem) => _failure = new LtxFormatException(File, _position + ahead, problem);

    private void Consume(int count)
    {
        _start += count;
        _position += count;
    }

    // Reads until so many bytes are there or the file has ended.
    private async ValueTask FillAsync(int count, CancellationToken cancellationToken)
    {
        if (_end - _start >= count || _endOfStream)
        {
            return;
        }

        Available.CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < count)
        {
            int read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                _endOfStream = true;
                return;
            }

            _end += read;
        }
    }
}
