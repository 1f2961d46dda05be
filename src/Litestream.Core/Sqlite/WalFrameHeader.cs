using System.Buffers.Binary;

namespace Litestream.Sqlite;

/// <summary>The 24 bytes before each page in a WAL (head comment of wal.c). All integers are big-endian.</summary>
/// <param name="PageNumber">Which page the frame holds; 0 is not valid.</param>
/// <param name="CommitSize">Size of the database in pages if the frame commits a transaction; otherwise 0.</param>
/// <param name="Salt1">First salt of its generation.</param>
/// <param name="Salt2">Second salt.</param>
/// <param name="Checksum">Cumulative checksum up to and with this frame.</param>
public readonly record struct WalFrameHeader(uint PageNumber, uint CommitSize, uint Salt1, uint Salt2, WalChecksum Checksum)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 24;

    /// <summary>Reads a frame header; what it says is believed only once its checksum has met.</summary>
    /// <param name="bytes">24 bytes.</param>
    public static WalFrameHeader Parse(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32BigEndian(bytes),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]),
        new WalChecksum(BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[20..])));

    /// <summary>Whether the frame carries the salts of a position's generation.</summary>
    /// <param name="position">The position.</param>
    public bool IsGenerationOf(in WalPosition position) => Salt1 == position.Salt1 && Salt2 == position.Salt2;
}
