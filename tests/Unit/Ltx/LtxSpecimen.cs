using System.Buffers.Binary;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

/// <summary>
/// Writes replica files from the format's description, with nothing of the code under test: bit-by-bit checksum, literal-only
/// or given LZ4 data. It writes what it is told to, so also what no real writer would.
/// </summary>
internal sealed class LtxSpecimen
{
    internal uint Flags { get; init; } = 2;

    internal uint PageSize { get; init; } = 512;

    internal uint Commit { get; init; } = 1;

    internal ulong MinTxid { get; init; } = 1;

    internal ulong MaxTxid { get; init; } = 1;

    internal long Timestamp { get; init; } = 1000;

    internal ulong PreApply { get; init; }

    internal ulong PostApply { get; init; }

    internal long WalOffset { get; init; }

    internal long WalSize { get; init; }

    internal uint Salt1 { get; init; }

    internal bool Frames { get; init; }

    internal List<(uint Number, byte[] Page)> Pages { get; init; } = [];

    /// <summary>Makes the LZ4 block of a page; literals only unless told otherwise.</summary>
    internal Func<byte[], byte[]> Compress { get; init; } = Literals;

    /// <summary>Changes the index before it is written and hashed; nothing unless told otherwise.</summary>
    internal Action<List<byte>> Index { get; init; } = _ => { };

    internal byte[] ToBytes()
    {
        var file = new List<byte>();
        var hashed = new List<byte>();
        byte[] header = Header();
        file.AddRange(header);
        hashed.AddRange(header);
        var index = new List<byte>();
        foreach ((uint number, byte[] page) in Pages)
        {
            int start = file.Count;
            byte[] data = Compress(page);
            byte[] head = Frames ? [.. U32(number), 0, 0] : [.. U32(number), 0, 1, .. U32((uint)data.Length)];
            file.AddRange(head);
            file.AddRange(Frames ? Frame(data, page) : data);
            hashed.AddRange(head);
            hashed.AddRange(page);
            foreach (ulong value in (ulong[])[number, (ulong)start, (ulong)(file.Count - start)])
            {
                index.AddRange(Varint(value));
            }
        }

        index.Add(0);
        Index(index);
        byte[] tail = [0, 0, 0, 0, 0, 0, .. index, .. U64((ulong)index.Count), .. U64(PostApply)];
        file.AddRange(tail);
        hashed.AddRange(tail);
        file.AddRange(U64((1UL << 63) | Crc([.. hashed])));
        return [.. file];
    }

    /// <summary>CRC-64/GO-ISO bit by bit.</summary>
    internal static ulong Crc(ReadOnlySpan<byte> bytes)
    {
        ulong crc = ulong.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xD800000000000000 : crc >> 1;
            }
        }

        return ~crc;
    }

    internal static byte[] Repeat(byte value, int count) => [.. Enumerable.Repeat(value, count)];

    internal static byte[] Literals(byte[] page)
    {
        var block = new List<byte> { 0xF0 };
        int rest = page.Length - 15;
        for (; rest >= 255; rest -= 255)
        {
            block.Add(255);
        }

        block.Add((byte)rest);
        block.AddRange(page);
        return [.. block];
    }

    /// <summary>One page of one repeated byte as 1 literal, a match, 16 literals: 26 bytes for 1024.</summary>
    internal static byte[] RunOfOneByte(byte[] page)
    {
        var block = new List<byte> { 0x1F, page[0], 1, 0 };
        int rest = page.Length - 1 - 16 - 4 - 15;
        for (; rest >= 255; rest -= 255)
        {
            block.Add(255);
        }

        block.Add((byte)rest);
        block.AddRange([0xF0, 1]);
        block.AddRange(Repeat(page[0], 16));
        return [.. block];
    }

    private static byte[] Frame(byte[] block, byte[] page)
    {
        var frame = new List<byte> { 0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0xA7 };
        byte[] word = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(word, block.Length);
        frame.AddRange(word);
        frame.AddRange(block);
        frame.AddRange([0, 0, 0, 0]);
        BinaryPrimitives.WriteUInt32LittleEndian(word, XxHash32.Compute(page));
        frame.AddRange(word);
        return [.. frame];
    }

    private byte[] Header() =>
    [
        .. "LTX1"u8, .. U32(Flags), .. U32(PageSize), .. U32(Commit), .. U64(MinTxid), .. U64(MaxTxid), .. U64((ulong)Timestamp),
        .. U64(PreApply), .. U64((ulong)WalOffset), .. U64((ulong)WalSize), .. U32(Salt1), .. U32(0), .. U64(0), .. new byte[20],
    ];

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] U64(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 128; value >>= 7)
        {
            bytes.Add((byte)(value | 128));
        }

        bytes.Add((byte)value);
        return bytes;
    }
}
