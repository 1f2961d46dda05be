using System.Buffers;
using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>
/// Writes one replica file: header, pages in ascending order, index, trailer. Pages are LZ4 blocks, without a checksum of the
/// whole database, as Litestream 0.5.16 writes them. Only buffers are touched here: whoever owns the output flushes it.
/// Memory grows by about two bytes a page. Not safe for use by two threads at once.
/// </summary>
public sealed class LtxEncoder
{
    private const int IndexPartLength = 64 * 1024;

    private readonly IBufferWriter<byte> _output;
    private readonly LtxHeader _header;
    private readonly uint _lockPage;
    private readonly PageExtents _pages = new();
    private PageExtents.Walker _index;
    private long _indexStart;
    private Crc64 _crc;
    private State _state;
    private LtxTrailer _trailer;

    /// <summary>Writes the header.</summary>
    /// <param name="output">Where the bytes go.</param>
    /// <param name="header">The header, with <see cref="LtxHeader.NoChecksumFlag"/> set and <see cref="LtxHeader.Commit"/> 1 or more.</param>
    /// <exception cref="ArgumentException">The header breaks a rule of the format.</exception>
    public LtxEncoder(IBufferWriter<byte> output, LtxHeader header)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (!header.NoChecksum)
        {
            throw new ArgumentException("A replica that is shared with Litestream holds files without database checksums only.", nameof(header));
        }

        if (header.Commit == 0)
        {
            throw new ArgumentException("A deleted database cannot be written without database checksums.", nameof(header));
        }

        _output = output;
        _header = header;
        Span<byte> bytes = output.GetSpan(LtxHeader.Length)[..LtxHeader.Length];
        header.Write(bytes);
        Put(bytes);
        _lockPage = LockPage.Number(header.PageSize);
    }

    private enum State
    {
        Pages,
        Index,
        Finished,
    }

    /// <summary>The header, as written.</summary>
    public LtxHeader Header => _header;

    /// <summary>Bytes written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Pages written so far.</summary>
    public long PageCount => _pages.Count;

    /// <summary>Writes a page.</summary>
    /// <param name="pageNumber">
    /// Above the one before, at most <see cref="LtxHeader.Commit"/>, not the lock page; the very next one if the file begins with
    /// transaction 1.
    /// </param>
    /// <param name="page">The page, exactly <see cref="LtxHeader.PageSize"/> bytes.</param>
    /// <exception cref="ArgumentException">The page may not stand here.</exception>
    /// <exception cref="InvalidOperationException">The file is finished.</exception>
    public void WritePage(uint pageNumber, ReadOnlySpan<byte> page)
    {
        CheckPage(pageNumber, page);
        Span<byte> target = _output.GetSpan(MaxEncodedLength(_header.PageSize));
        int length = EncodePage(pageNumber, page, target);
        Account(pageNumber, page, target[..length]);
    }

    /// <summary>Writes a page that <see cref="EncodePage"/> has compressed, or that stands so in another file.</summary>
    /// <param name="pageNumber">As for <see cref="WritePage"/>.</param>
    /// <param name="page">The page, uncompressed.</param>
    /// <param name="encoded">Page header, length and LZ4 block.</param>
    internal void WriteEncodedPage(uint pageNumber, ReadOnlySpan<byte> page, ReadOnlySpan<byte> encoded)
    {
        CheckPage(pageNumber, page);
        Span<byte> target = _output.GetSpan(encoded.Length)[..encoded.Length];
        encoded.CopyTo(target);
        Account(pageNumber, page, target);
    }

    /// <summary>Most bytes that <see cref="EncodePage"/> writes.</summary>
    internal static int MaxEncodedLength(int pageSize) => LtxPageFormat.BlockHeaderLength + LtxPageFormat.MaxBlockLength(pageSize);

    /// <summary>Compresses one page, with its header, into a buffer; needs no encoder, so several threads may do it side by side.</summary>
    /// <returns>Bytes written.</returns>
    internal static int EncodePage(uint pageNumber, ReadOnlySpan<byte> page, Span<byte> target)
    {
        int length = Lz4BlockEncoder.Encode(page, target.Slice(LtxPageFormat.BlockHeaderLength, LtxPageFormat.MaxBlockLength(page.Length)));
        BinaryPrimitives.WriteUInt32BigEndian(target, pageNumber);
        BinaryPrimitives.WriteUInt16BigEndian(target[sizeof(uint)..], LtxPageFormat.BlockFlag);
        BinaryPrimitives.WriteInt32BigEndian(target[LtxPageFormat.PageHeaderLength..], length);
        return LtxPageFormat.BlockHeaderLength + length;
    }

    /// <summary>Writes index and trailer.</summary>
    /// <exception cref="InvalidOperationException">A file that begins with transaction 1 lacks pages; it must not be kept.</exception>
    public LtxTrailer Finish()
    {
        LtxTrailer trailer;
        while (!TryFinish(out trailer))
        {
        }

        return trailer;
    }

    /// <summary>
    /// Writes the next part of index and trailer (about 64 KB), so that the output can be flushed between the parts of a large
    /// index. False until all is written: call again.
    /// </summary>
    /// <param name="trailer">The trailer, when all is written.</param>
    /// <exception cref="InvalidOperationException">A file that begins with transaction 1 lacks pages; it must not be kept.</exception>
    public bool TryFinish(out LtxTrailer trailer)
    {
        if (_state == State.Pages)
        {
            EndPages();
        }

        if (_state == State.Index)
        {
            WriteIndexPart();
        }

        trailer = _trailer;
        return _state == State.Finished;
    }

    private void CheckPage(uint pageNumber, ReadOnlySpan<byte> page)
    {
        if (_state != State.Pages)
        {
            throw new InvalidOperationException("The replica file is finished.");
        }

        if (page.Length != _header.PageSize)
        {
            throw new ArgumentException($"A page of {page.Length} bytes in a file of pages of {_header.PageSize} bytes.", nameof(page));
        }

        uint last = _pages.LastPage;
        if (pageNumber <= last || pageNumber > _header.Commit || pageNumber == _lockPage)
        {
            throw new ArgumentException(
                $"Page {pageNumber} cannot follow page {last} in a file of a database of {_header.Commit} pages.", nameof(pageNumber));
        }

        if (_header.IsFullImage && pageNumber != last + (last + 1 == _lockPage ? 2u : 1u))
        {
            throw new ArgumentException($"Page {pageNumber} follows page {last} in a full image.", nameof(pageNumber));
        }
    }

    private void Account(uint pageNumber, ReadOnlySpan<byte> page, ReadOnlySpan<byte> encoded)
    {
        _crc.Append(encoded[..LtxPageFormat.BlockHeaderLength]);
        _crc.Append(page);
        _pages.Append(pageNumber, encoded.Length);
        _output.Advance(encoded.Length);
        Length += encoded.Length;
    }

    private void EndPages()
    {
        if (_header.IsFullImage && _pages.Count != _header.PagesOfFullImage)
        {
            throw new InvalidOperationException(
                $"A full image of {_header.Commit} pages ends after page {_pages.LastPage}. The file must not be kept.");
        }

        Span<byte> marker = _output.GetSpan(LtxPageFormat.PageHeaderLength)[..LtxPageFormat.PageHeaderLength];
        marker.Clear();
        Put(marker);
        _indexStart = Length;
        _index = _pages.Walk();
        _state = State.Index;
    }

    private void WriteIndexPart()
    {
        int room = (int)Math.Min(IndexPartLength, (_pages.Count + 1) * 3 * LtxPageFormat.MaxVarintLength);
        Span<byte> part = _output.GetSpan(room)[..room];
        int used = 0;
        while (part.Length - used >= 3 * LtxPageFormat.MaxVarintLength)
        {
            if (!_index.TryNext(out LtxPageIndexEntry entry))
            {
                part[used++] = 0;
                Put(part[..used]);
                WriteTail();
                return;
            }

            used += LtxPageFormat.WriteIndexEntry(part[used..], entry);
        }

        Put(part[..used]);
    }

    private void WriteTail()
    {
        Span<byte> tail = _output.GetSpan(LtxPageFormat.TailLength)[..LtxPageFormat.TailLength];
        BinaryPrimitives.WriteInt64BigEndian(tail, Length - _indexStart);
        tail.Slice(sizeof(long), sizeof(ulong)).Clear();
        _crc.Append(tail[..(2 * sizeof(long))]);
        _trailer = new LtxTrailer(PostApplyChecksum: 0, FileChecksum: PageChecksum.Flag | _crc.Value);
        _trailer.Write(tail[sizeof(long)..], _header);
        _output.Advance(tail.Length);
        Length += tail.Length;
        _state = State.Finished;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        _crc.Append(bytes);
        _output.Advance(bytes.Length);
        Length += bytes.Length;
    }
}
