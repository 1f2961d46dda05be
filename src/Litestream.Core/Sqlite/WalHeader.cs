using System.Buffers.Binary;

namespace Litestream.Sqlite;

/// <summary>The 32 bytes at the start of a WAL file (head comment of wal.c). All integers are big-endian.</summary>
/// <param name="BigEndianChecksum">Whether the checksums read the bytes as big-endian words.</param>
/// <param name="PageSize">Page size in bytes, 512 to 65536.</param>
/// <param name="Sequence">How often the WAL was reset since it was made.</param>
/// <param name="Salt1">First salt.</param>
/// <param name="Salt2">Second salt.</param>
/// <param name="Checksum">Checksum of the first 24 bytes: where the frames' cumulative checksum begins.</param>
public readonly record struct WalHeader(
    bool BigEndianChecksum, int PageSize, uint Sequence, uint Salt1, uint Salt2, WalChecksum Checksum)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    private const uint MagicLittleEndian = 0x377f0682;
    private const uint MagicBigEndian = 0x377f0683;
    private const uint Version = 3007000;

    /// <summary>Reads a header. False if it is short, of another kind, or its checksum does not meet: then the WAL holds nothing.</summary>
    /// <param name="bytes">The start of the file.</param>
    /// <param name="header">The header, if it is one.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out WalHeader header)
    {
        header = default;
        if (bytes.Length < Size)
        {
            return false;
        }

        uint magic = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        uint version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        uint pageSize = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        if (magic is not (MagicLittleEndian or MagicBigEndian)
            || version != Version
            || pageSize is < 512 or > 65536
            || (pageSize & (pageSize - 1)) != 0)
        {
            return false;
        }

        bool bigEndian = magic == MagicBigEndian;
        var stored = new WalChecksum(BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]));
        if (default(WalChecksum).Append(bytes[..24], bigEndian) != stored)
        {
            return false;
        }

        header = new WalHeader(
            bigEndian,
            (int)pageSize,
            BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]),
            stored);
        return true;
    }

    /// <summary>Whether this is the header of the generation that a position lies in.</summary>
    /// <param name="position">The position.</param>
    public bool IsGenerationOf(in WalPosition position) => Salt1 == position.Salt1 && Salt2 == position.Salt2;
}
