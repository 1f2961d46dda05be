using System.Buffers.Binary;
using K4os.Compression.LZ4;

namespace Litestream.Ltx;

/// <summary>
/// Reads the LZ4 frame of one page, as ltx 0.5.0 and 0.5.1 wrote them (github.com/lz4/lz4, doc/lz4_Frame_format.md).
/// Blocks that lean on their predecessors and dictionaries were never written and are refused.
/// </summary>
internal static class Lz4Frame
{
    private const uint Magic = 0x184D2204;
    private const int MinHeaderLength = 7;
    private const uint StoredFlag = 0x80000000;

    private const byte VersionMask = 0xC0;
    private const byte Version = 0x40;
    private const byte IndependentBlocks = 0x20;
    private const byte BlockChecksums = 0x10;
    private const byte ContentSize = 0x08;
    private const byte ContentChecksum = 0x04;
    private const byte Refused = 0x03; // reserved, dictionary id

    /// <summary>Decodes a frame that must hold exactly one page.</summary>
    /// <param name="source">Begins with the frame; may go on after it.</param>
    /// <param name="page">Takes the page; its length is the page size.</param>
    /// <param name="consumed">Length of the frame, or how far it was good.</param>
    /// <returns>What is wrong, or null.</returns>
    internal static string? Decode(ReadOnlySpan<byte> source, Span<byte> page, out int consumed)
    {
        string? problem = ReadHeader(source, page.Length, out consumed, out byte flags);
        int filled = 0;
        while (problem is null && filled < page.Length)
        {
            problem = ReadBlock(source, flags, page, ref filled, ref consumed);
        }

        return problem ?? ReadEnd(source, flags, page, ref consumed);
    }

    private static string? ReadHeader(ReadOnlySpan<byte> source, int pageSize, out int consumed, out byte flags)
    {
        consumed = 0;
        flags = 0;
        if (source.Length < MinHeaderLength + sizeof(ulong) || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic)
        {
            return "no LZ4 frame begins here";
        }

        flags = source[4];
        if ((flags & VersionMask) != Version || (flags & IndependentBlocks) == 0 || (flags & Refused) != 0 || (source[5] & 0x8F) != 0)
        {
            return "its LZ4 frame is of a kind that was never written";
        }

        int length = (flags & ContentSize) != 0 ? MinHeaderLength + sizeof(ulong) : MinHeaderLength;
        if (source[length - 1] != (byte)(XxHash32.Compute(source[4..(length - 1)]) >> 8))
        {
            return "the header of its LZ4 frame does not meet its checksum";
        }

        if ((flags & ContentSize) != 0 && BinaryPrimitives.ReadUInt64LittleEndian(source[6..]) != (ulong)pageSize)
        {
            return "its LZ4 frame does not hold one page";
        }

        consumed = length;
        return null;
    }

    private static string? ReadBlock(ReadOnlySpan<byte> source, byte flags, Span<byte> page, ref int filled, ref int consumed)
    {
        ReadOnlySpan<byte> rest = source[consumed..];
        if (rest.Length < sizeof(uint))
        {
            return "it ends within an LZ4 frame";
        }

        uint head = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        uint size = head & ~StoredFlag;
        Span<byte> free = page[filled..];
        int checksum = (flags & BlockChecksums) != 0 ? sizeof(uint) : 0;
        if (size == 0 || size > (uint)LtxPageFormat.MaxBlockLength(free.Length))
        {
            return "its LZ4 frame does not hold one page";
        }

        if (rest.Length - sizeof(uint) - checksum < (int)size)
        {
            return "it ends within an LZ4 frame";
        }

        ReadOnlySpan<byte> block = rest.Slice(sizeof(uint), (int)size);
        if (checksum != 0
            && BinaryPrimitives.ReadUInt32LittleEndian(rest[(sizeof(uint) + (int)size)..]) != XxHash32.Compute(block))
        {
            return "a block of its LZ4 frame does not meet its checksum";
        }

        int length = Expand(block, (head & StoredFlag) != 0, free);
        if (length <= 0)
        {
            return "its LZ4 frame cannot be decompressed to one page";
        }

        filled += length;
        consumed += sizeof(uint) + (int)size + checksum;
        return null;
    }

    private static int Expand(ReadOnlySpan<byte> block, bool stored, Span<byte> target)
    {
        if (!stored)
        {
            return LZ4Codec.Decode(block, target);
        }

        return block.TryCopyTo(target) ? block.Length : -1;
    }

    private static string? ReadEnd(ReadOnlySpan<byte> source, byte flags, ReadOnlySpan<byte> page, ref int consumed)
    {
        ReadOnlySpan<byte> rest = source[consumed..];
        int length = (flags & ContentChecksum) != 0 ? 2 * sizeof(uint) : sizeof(uint);
        if (rest.Length < length)
        {
            return "it ends within an LZ4 frame";
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(rest) != 0)
        {
            return "its LZ4 frame does not hold one page";
        }

        if (length > sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(rest[sizeof(uint)..]) != XxHash32.Compute(page))
        {
            return "its LZ4 frame does not meet its checksum";
        }

        consumed += length;
        return null;
    }
}
