using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Litestream.Sqlite;

/// <summary>
/// A place in the life of a WAL: which generation, and how many of its frames are committed. It is what a read transaction sees,
/// and comes from <c>sqlite3_snapshot_get</c>, whose 48 bytes are a copy of SQLite's wal-index header (WalIndexHdr in wal.c).
/// </summary>
/// <param name="Salt1">First salt as the WAL file stores it (big-endian); grows by one at each reset.</param>
/// <param name="Salt2">Second salt; random in each generation.</param>
/// <param name="MaxFrame">Number of the last committed frame; 0 for none.</param>
/// <param name="Checksum1">First word of the cumulative checksum of frame <paramref name="MaxFrame"/>.</param>
/// <param name="Checksum2">Second word of it.</param>
/// <param name="PageCount">Size of the database in pages.</param>
/// <param name="PageSize">Page size in bytes, 512 to 65536.</param>
/// <param name="ChangeCounter">Grows by one at each commit while the wal-index lives (iChange); wraps. Null where it is not known.</param>
public readonly record struct WalPosition(
    uint Salt1,
    uint Salt2,
    uint MaxFrame,
    uint Checksum1,
    uint Checksum2,
    uint PageCount,
    int PageSize,
    uint? ChangeCounter)
{
    /// <summary>Length of what <c>sqlite3_snapshot_get</c> returns.</summary>
    internal const int SnapshotSize = 48;

    /// <summary>Whether the WAL has ever had a frame since it was made; if not, the salts mean nothing.</summary>
    public bool HasGeneration => (Salt1 | Salt2) != 0;

    /// <summary>Bytes of one frame: its header and a page.</summary>
    public long FrameSize => WalFrameHeader.Size + (long)PageSize;

    /// <summary>Offset in the WAL file just behind the last committed frame.</summary>
    public long EndOffset => WalHeader.Size + (MaxFrame * FrameSize);

    /// <summary>Whether both are of one generation.</summary>
    /// <param name="other">The other position.</param>
    public bool SameGeneration(in WalPosition other) => Salt1 == other.Salt1 && Salt2 == other.Salt2;

    /// <summary>Reads the bytes of a snapshot. Integers are in the machine's byte order, but for the salts.</summary>
    /// <param name="snapshot">48 bytes.</param>
    internal static WalPosition Parse(ReadOnlySpan<byte> snapshot)
    {
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(snapshot[..SnapshotSize]);
        ushort pageSize = MemoryMarshal.Read<ushort>(snapshot[14..]);
        return new WalPosition(
            BinaryPrimitives.ReadUInt32BigEndian(snapshot[32..]),
            BinaryPrimitives.ReadUInt32BigEndian(snapshot[36..]),
            words[4],
            words[6],
            words[7],
            words[5],
            pageSize == 1 ? 65536 : pageSize,
            words[2]);
    }
}
