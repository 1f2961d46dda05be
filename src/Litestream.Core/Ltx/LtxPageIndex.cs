using System.Buffers;
using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>
/// Where each page stands in one replica file, from the index at its end. Takes about two bytes of memory a page.
/// Its checksum can be met only by reading the whole file; until then it is a claim, though one that is consistent in itself.
/// </summary>
public sealed class LtxPageIndex
{
    // Most indexes of captured files fit into one read of this length.
    private const int TailReadLength = 32 * 1024;

    private readonly PageExtents _pages;

    internal LtxPageIndex(PageExtents pages) => _pages = pages;

    /// <summary>How many pages the file holds.</summary>
    public long Count => _pages.Count;

    /// <summary>Checks and reads an index.</summary>
    /// <param name="index">The index with its terminator and the 8 bytes of its length: all between page block and trailer.</param>
    /// <param name="fileLength">Length of the file in bytes.</param>
    /// <param name="header">The file's header.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <exception cref="LtxFormatException">The index breaks a rule, or does not fit the file.</exception>
    public static LtxPageIndex Parse(ReadOnlySpan<byte> index, long fileLength, in LtxHeader header, string file)
    {
        long start = fileLength - LtxTrailer.Length - index.Length;
        if (index.Length < sizeof(ulong) + 1 || start < LtxHeader.Length + LtxPageFormat.PageHeaderLength)
        {
            throw new LtxFormatException(file, Math.Max(0, start), "it has no room for its index");
        }

        int length = index.Length - sizeof(ulong);
        if (BinaryPrimitives.ReadUInt64BigEndian(index[length..]) != (ulong)length)
        {
            throw new LtxFormatException(file, start + length, "the length of its index is wrong");
        }

        var parser = new LtxPageIndexParser(header, file, start, length);
        parser.Append(index[..length]);
        return parser.Finish();
    }

    /// <summary>Reads the index of a file from its end.</summary>
    /// <param name="open">Opens the file at an offset for a number of bytes.</param>
    /// <param name="fileLength">Length of the file in bytes.</param>
    /// <param name="header">The file's header.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The index breaks a rule, or does not fit the file.</exception>
    public static async Task<LtxPageIndex> ReadAsync(
        Func<long, long, CancellationToken, Task<Stream>> open,
        long fileLength,
        LtxHeader header,
        string file,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(open);
        long room = fileLength - LtxHeader.Length - LtxPageFormat.PageHeaderLength;
        if (room < LtxPageFormat.TailLength + 1)
        {
            throw new LtxFormatException(file, Math.Max(0, fileLength), "it has no room for its index");
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(TailReadLength);
        try
        {
            int tail = (int)Math.Min(room, TailReadLength);
            await ReadPieceAsync(open, fileLength - tail, buffer.AsMemory(0, tail), file, cancellationToken).ConfigureAwait(false);
            ulong length = BinaryPrimitives.ReadUInt64BigEndian(buffer.AsSpan(tail - LtxPageFormat.TailLength));
            if (length == 0 || length > (ulong)(room - LtxPageFormat.TailLength))
            {
                throw new LtxFormatException(file, fileLength - LtxPageFormat.TailLength, "the length of its index is wrong");
            }

            int wanted = LtxPageFormat.TailLength + (int)Math.Min(length, TailReadLength);
            if (wanted <= tail)
            {
                return Parse(buffer.AsSpan(tail - wanted, wanted - LtxTrailer.Length), fileLength, header, file);
            }

            long start = fileLength - LtxPageFormat.TailLength - (long)length;
            var parser = new LtxPageIndexParser(header, file, start, (long)length);
            Stream stream = await open(start, (long)length, cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                await ParseStreamAsync(stream, (long)length, parser, buffer, cancellationToken).ConfigureAwait(false);
            }

            return parser.Finish();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Finds a page; false if the file does not hold it.</summary>
    /// <param name="pageNumber">Any number.</param>
    /// <param name="entry">Where it stands.</param>
    public bool TryFind(uint pageNumber, out LtxPageIndexEntry entry)
    {
        PageExtents.Walker walker = _pages.WalkNear(pageNumber);
        while (walker.TryNext(out entry) && entry.PageNumber <= pageNumber)
        {
            if (entry.PageNumber == pageNumber)
            {
                return true;
            }
        }

        entry = default;
        return false;
    }

    /// <summary>Whether the file holds every page of the database, and so can begin a restore whatever came before it.</summary>
    /// <param name="header">The file's header.</param>
    public bool HoldsEveryPage(in LtxHeader header) => _pages.Count == header.PagesOfFullImage;

    /// <summary>All pages in ascending order.</summary>
    public IEnumerable<LtxPageIndexEntry> Entries()
    {
        PageExtents.Walker walker = _pages.Walk();
        while (walker.TryNext(out LtxPageIndexEntry entry))
        {
            yield return entry;
        }
    }

    private static async Task ReadPieceAsync(
        Func<long, long, CancellationToken, Task<Stream>> open,
        long offset,
        Memory<byte> piece,
        string file,
        CancellationToken cancellationToken)
    {
        Stream stream = await open(offset, piece.Length, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            int read = await stream.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (read < piece.Length)
            {
                throw new LtxFormatException(file, offset + read, "it is shorter than the replica's listing says");
            }
        }
    }

    private static async Task ParseStreamAsync(
        Stream stream, long length, LtxPageIndexParser parser, byte[] buffer, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return; // the parser says that it is too short
            }

            parser.Append(buffer.AsSpan(0, read));
            length -= read;
        }
    }
}
