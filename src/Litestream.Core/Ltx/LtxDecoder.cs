using System.Buffers;
using System.Buffers.Binary;
using K4os.Compression.LZ4;

namespace Litestream.Ltx;

/// <summary>
/// Reads one replica file from its first byte to its last, block pages and frame pages, and checks everything in it. A page is
/// proven only when the end has been reached: the checksum of the file comes last. Memory does not depend on the file.
/// Not safe for use by two threads at once.
/// </summary>
/// <remarks>
/// Nothing of the index needs to be kept to check it: the pages say what it must be, so the checksum and the length of the
/// index to come are built while they pass.
/// </remarks>
public sealed class LtxDecoder : IAsyncDisposable
{
    /// <summary>Bytes that are read at a time, unless said otherwise.</summary>
    public const int DefaultBufferSize = 256 * 1024;

    private readonly Stream _stream;
    private readonly string _file;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private bool _endOfStream;
    private long _position; // of _buffer[_start] in the file

    private LtxHeader _header;
    private uint _lockPage;
    private int _maxPageLength;
    private uint _lastPage;
    private Crc64 _crc;
    private Crc64 _expectedIndex;
    private long _expectedIndexLength;
    private ulong _rolling = PageChecksum.Flag;
    private int _encodedLength;
    private bool _finished;
    private LtxTrailer _trailer;
    private LtxFormatException? _failure;

    private LtxDecoder(Stream stream, string file, int bufferSize)
    {
        _stream = stream;
        _file = file;
        _buffer = ArrayPool<byte>.Shared.Rent(bufferSize);
    }

    /// <summary>The header.</summary>
    public LtxHeader Header => _header;

    /// <summary>The trailer, once the end has been reached.</summary>
    /// <exception cref="InvalidOperationException">It has not.</exception>
    public LtxTrailer Trailer => _finished ? _trailer : throw new InvalidOperationException("The end of the replica file was not reached.");

    /// <summary>The name that was given for the file.</summary>
    public string File => _file;

    /// <summary>Bytes decoded so far; the file's length once the end has been reached.</summary>
    public long Position => _position;

    /// <summary>Pages read so far.</summary>
    public long PageCount { get; private set; }

    /// <summary>
    /// The page just read as it stands in the file, if it is a block page: what <see cref="LtxEncoder.WriteEncodedPage"/> takes.
    /// Empty for a frame page. Valid until the next call.
    /// </summary>
    internal ReadOnlySpan<byte> EncodedPage => _buffer.AsSpan(_start - _encodedLength, _encodedLength);

    /// <summary>Reads the header.</summary>
    /// <param name="stream">The file from its first byte; it is owned, also if this fails.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The header breaks a rule of the format.</exception>
    public static Task<LtxDecoder> OpenAsync(Stream stream, string file, CancellationToken cancellationToken) =>
        OpenAsync(stream, file, DefaultBufferSize, cancellationToken);

    /// <summary>Reads the header, with a buffer of another size: for many files at once.</summary>
    /// <param name="stream">The file from its first byte; it is owned, also if this fails.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="bufferSize">Bytes to read at a time; raised to what the largest page of the file needs.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The header breaks a rule of the format.</exception>
    public static async Task<LtxDecoder> OpenAsync(Stream stream, string file, int bufferSize, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var decoder = new LtxDecoder(stream, file, Math.Max(bufferSize, LtxHeader.Length));
        try
        {
            await decoder.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            return decoder;
        }
        catch
        {
            await decoder.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads a whole file and checks everything in it.</summary>
    /// <param name="stream">The file from its first byte; it is disposed.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public static async Task<LtxTrailer> VerifyAsync(Stream stream, string file, CancellationToken cancellationToken)
    {
        LtxDecoder decoder = await OpenAsync(stream, file, cancellationToken).ConfigureAwait(false);
        await using (decoder.ConfigureAwait(false))
        {
            byte[] page = ArrayPool<byte>.Shared.Rent(decoder.Header.PageSize);
            try
            {
                while (await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false) != 0)
                {
                }

                return decoder.Trailer;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(page);
            }
        }
    }

    /// <summary>Reads the next page.</summary>
    /// <param name="page">Takes the page in its first <see cref="LtxHeader.PageSize"/> bytes.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>
    /// Its number, or 0 at the end of the pages: by then index, trailer and the checksum of the file have been checked, and
    /// that nothing follows.
    /// </returns>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public ValueTask<uint> ReadPageAsync(Memory<byte> page, CancellationToken cancellationToken)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        _encodedLength = 0;
        if (_finished)
        {
            return new ValueTask<uint>(0u);
        }

        // The common case stays synchronous: a whole page is in the buffer.
        return _end - _start >= _maxPageLength && !AtEndMarker
            ? new ValueTask<uint>(DecodePage(page.Span))
            : ReadPageSlowlyAsync(page, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = _end = _encodedLength = 0;
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
        _header = LtxHeader.Parse(Available, _file);
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

    private async ValueTask<uint> ReadPageSlowlyAsync(Memory<byte> page, CancellationToken cancellationToken)
    {
        await FillAsync(_maxPageLength, cancellationToken).ConfigureAwait(false);
        if (!AtEndMarker)
        {
            return DecodePage(page.Span);
        }

        await FinishAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }

    // All of the page is in the buffer, or the file ends within it.
    private uint DecodePage(Span<byte> page)
    {
        page = page[.._header.PageSize];
        ReadOnlySpan<byte> source = Available;
        if (source.Length < LtxPageFormat.PageHeaderLength)
        {
            throw Fail(source.Length, "it ends within its pages");
        }

        uint number = BinaryPrimitives.ReadUInt32BigEndian(source);
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(source[sizeof(uint)..]);
        CheckPageHeader(number, flags);
        bool block = flags == LtxPageFormat.BlockFlag;
        int length = block ? DecodeBlock(source, page) : DecodeFrame(source, page);
        _crc.Append(source[..(block ? LtxPageFormat.BlockHeaderLength : LtxPageFormat.PageHeaderLength)]);
        _crc.Append(page);
        if (!_header.NoChecksum && _header.IsFullImage)
        {
            _rolling = PageChecksum.Flag | (_rolling ^ PageChecksum.Compute(number, page));
        }

        ExpectIndexEntry(new LtxPageIndexEntry(number, _position, length));
        _lastPage = number;
        PageCount++;
        Consume(length);
        _encodedLength = block ? length : 0;
        return number;
    }

    private void CheckPageHeader(uint number, ushort flags)
    {
        if ((flags & ~LtxPageFormat.BlockFlag) != 0)
        {
            throw Fail(sizeof(uint), "the flags of a page are not known");
        }

        if (!_header.Admits(number) || number <= _lastPage)
        {
            throw Fail(0, $"page {number} follows page {_lastPage} in a file of a database of {_header.Commit} pages");
        }

        if (_header.IsFullImage && number != _lastPage + (_lastPage + 1 == _lockPage ? 2u : 1u))
        {
            throw Fail(0, $"page {number} follows page {_lastPage} in a full image");
        }
    }

    private int DecodeBlock(ReadOnlySpan<byte> source, Span<byte> page)
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
        if (source.Length < length)
        {
            throw Fail(source.Length, "it ends within its pages");
        }

        return LZ4Codec.Decode(source[LtxPageFormat.BlockHeaderLength..length], page) == page.Length
            ? length
            : throw Fail(LtxPageFormat.BlockHeaderLength, $"page {_lastPage} is followed by one that cannot be decompressed to a page");
    }

    private int DecodeFrame(ReadOnlySpan<byte> source, Span<byte> page)
    {
        ReadOnlySpan<byte> frame = source[LtxPageFormat.PageHeaderLength..Math.Min(source.Length, _maxPageLength)];
        return Lz4Frame.Decode(frame, page, out int consumed) is { } problem
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

    private async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        if (_header.IsFullImage && PageCount != _header.PagesOfFullImage)
        {
            throw Fail(0, $"a full image of {_header.Commit} pages ends after page {_lastPage}");
        }

        _crc.Append(Available[..LtxPageFormat.PageHeaderLength]);
        Consume(LtxPageFormat.PageHeaderLength);
        await CheckIndexAsync(cancellationToken).ConfigureAwait(false);
        await FillAsync(LtxPageFormat.TailLength + 1, cancellationToken).ConfigureAwait(false);
        CheckTail();
        _finished = true;
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

        _trailer = LtxTrailer.Parse(tail[sizeof(ulong)..], _header, _file, _position + sizeof(ulong));
        _crc.Append(tail[..(2 * sizeof(ulong))]);
        if (_trailer.FileChecksum != (PageChecksum.Flag | _crc.Value))
        {
            throw Fail(2 * sizeof(ulong), "it does not meet its checksum; any byte before may be wrong");
        }

        if (!_header.NoChecksum && _header.IsFullImage && _trailer.PostApplyChecksum != _rolling)
        {
            throw Fail(sizeof(ulong), "its pages do not meet the checksum of the database");
        }

        if (tail.Length > LtxPageFormat.TailLength)
        {
            throw Fail(LtxPageFormat.TailLength, "something follows its end");
        }

        Consume(LtxPageFormat.TailLength);
    }

    private LtxFormatException Fail(long ahead, string problem) => _failure = new LtxFormatException(_file, _position + ahead, problem);

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
