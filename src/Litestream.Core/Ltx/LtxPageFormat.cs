using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>The page block of a replica file: lengths and bounds that its writer and its readers share.</summary>
internal static class LtxPageFormat
{
    /// <summary>Page number (4 bytes) and flags (2 bytes). Six zero bytes end the page block.</summary>
    internal const int PageHeaderLength = 6;

    /// <summary>Page header, then the length of the compressed page (4 bytes).</summary>
    internal const int BlockHeaderLength = PageHeaderLength + sizeof(uint);

    /// <summary>The page is one raw LZ4 block after its length (ltx 0.5.2 on); without it, one LZ4 frame (ltx 0.5.0, 0.5.1).</summary>
    internal const ushort BlockFlag = 1;

    /// <summary>Longest varint of an index: 64 bits, 7 a byte.</summary>
    internal const int MaxVarintLength = 10;

    /// <summary>The length of the index (8 bytes) and the trailer follow the index.</summary>
    internal const int TailLength = sizeof(ulong) + LtxTrailer.Length;

    /// <summary>Most bytes that a raw LZ4 block of a page can take (LZ4_compressBound).</summary>
    internal static int MaxBlockLength(int pageSize) => pageSize + (pageSize / 255) + 16;

    /// <summary>Most bytes, page header included, that any page may take that we read: far above what a writer makes.</summary>
    internal static int MaxPageLength(int pageSize) => PageHeaderLength + (2 * pageSize) + 64;

    /// <summary>Least bytes that a page can take: an LZ4 block has at least one byte.</summary>
    internal const int MinPageLength = BlockHeaderLength + 1;

    /// <summary>Writes an unsigned LEB128 number; returns its length.</summary>
    internal static int WriteVarint(Span<byte> bytes, ulong value)
    {
        int length = 0;
        while (value >= 0x80)
        {
            bytes[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        bytes[length++] = (byte)value;
        return length;
    }

    /// <summary>Writes an index entry as page number, offset, size; returns its length, at most 3 * <see cref="MaxVarintLength"/>.</summary>
    internal static int WriteIndexEntry(Span<byte> bytes, in LtxPageIndexEntry entry)
    {
        int length = WriteVarint(bytes, entry.PageNumber);
        length += WriteVarint(bytes[length..], (ulong)entry.Offset);
        return length + WriteVarint(bytes[length..], (ulong)entry.Size);
    }

    /// <summary>The part of a page's header that the checksum of the file covers; the page's content follows it there.</summary>
    /// <param name="encoded">A whole page as it stands in the file.</param>
    internal static ReadOnlySpan<byte> CheckedHeader(ReadOnlySpan<byte> encoded) => encoded[..(IsBlock(encoded) ? BlockHeaderLength : PageHeaderLength)];

    /// <summary>Decompresses a page.</summary>
    /// <param name="encoded">A whole page as it stands in the file.</param>
    /// <param name="page">Filled whole.</param>
    /// <returns>Whether it could be.</returns>
    internal static bool TryDecode(ReadOnlySpan<byte> encoded, Span<byte> page) => IsBlock(encoded)
        ? Lz4Block.TryDecode(encoded[BlockHeaderLength..], page)
        : Lz4Frame.Decode(encoded[PageHeaderLength..], page, out _) is null;

    private static bool IsBlock(ReadOnlySpan<byte> encoded) => BinaryPrimitives.ReadUInt16BigEndian(encoded[sizeof(uint)..]) == BlockFlag;
}
