using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>The checksum of one database page at its place: CRC-64/GO-ISO of the page number (4 bytes, big-endian) and the page.</summary>
public static class PageChecksum
{
    /// <summary>Set in every checksum of the format, so that none is zero.</summary>
    public const ulong Flag = 1UL << 63;

    /// <summary>Computes it. The checksum of a whole database is the XOR of those of its pages, with <see cref="Flag"/> set.</summary>
    /// <param name="pageNumber">1 or more.</param>
    /// <param name="page">The page's bytes.</param>
    public static ulong Compute(uint pageNumber, ReadOnlySpan<byte> page)
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(number, pageNumber);
        Crc64 crc = default;
        crc.Append(number);
        crc.Append(page);
        return Flag | crc.Value;
    }
}
