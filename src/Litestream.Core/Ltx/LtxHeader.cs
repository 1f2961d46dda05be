using System.Buffers.Binary;
using System.Numerics;

namespace Litestream.Ltx;

/// <summary>The first 100 bytes of a replica file. All integers are big-endian; 20 reserved bytes at the end are written zero.</summary>
public readonly record struct LtxHeader
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 100;

    /// <summary>The flag of a file that carries no checksum of the whole database. Every file of a shared replica has it.</summary>
    public const uint NoChecksumFlag = 2;

    /// <summary>Smallest page size of SQLite, in bytes.</summary>
    public const int MinPageSize = 512;

    /// <summary>Largest page size of SQLite, in bytes.</summary>
    public const int MaxPageSize = 65536;

    private const uint Magic = 0x4C545831; // "LTX1"
    private const int ReservedOffset = 0x50;

    /// <summary><see cref="NoChecksumFlag"/> or 0.</summary>
    public uint Flags { get; init; }

    /// <summary>Page size in bytes: a power of two, 512 to 65536.</summary>
    public int PageSize { get; init; }

    /// <summary>Size of the database in pages after the last transaction; 0 for a deleted one.</summary>
    public uint Commit { get; init; }

    /// <summary>First transaction id, 1 or more.</summary>
    public ulong MinTxid { get; init; }

    /// <summary>Last transaction id, at least <see cref="MinTxid"/>.</summary>
    public ulong MaxTxid { get; init; }

    /// <summary>When the last transaction was captured, in milliseconds since the Unix epoch.</summary>
    public long Timestamp { get; init; }

    /// <summary>Checksum of the database before; 0 with <see cref="NoChecksumFlag"/> or if <see cref="MinTxid"/> is 1.</summary>
    public ulong PreApplyChecksum { get; init; }

    /// <summary>Where in the WAL the frames began, in bytes; 0 if it is not known.</summary>
    public long WalOffset { get; init; }

    /// <summary>Bytes of the WAL that were captured; 0 if it is not known.</summary>
    public long WalSize { get; init; }

    /// <summary>First salt of that WAL, or 0.</summary>
    public uint WalSalt1 { get; init; }

    /// <summary>Second salt of that WAL, or 0.</summary>
    public uint WalSalt2 { get; init; }

    /// <summary>Which node wrote it; Litestream leaves 0.</summary>
    public ulong NodeId { get; init; }

    /// <summary>The file carries no checksum of the whole database.</summary>
    public bool NoChecksum => (Flags & NoChecksumFlag) != 0;

    /// <summary>
    /// The file begins with transaction 1 and so must hold every page. False does not mean that it does not:
    /// <see cref="LtxPageIndex.HoldsEveryPage"/> tells.
    /// </summary>
    public bool IsFullImage => MinTxid == 1;

    /// <summary><see cref="Timestamp"/> as a point in time (UTC), held within what the type can hold.</summary>
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(
        Timestamp, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    /// <summary>Whether the file may hold this page: 1 to <see cref="Commit"/>, and not the lock page.</summary>
    /// <param name="pageNumber">Any number.</param>
    public bool Admits(uint pageNumber) => pageNumber != 0 && pageNumber <= Commit && pageNumber != LockPage.Number(PageSize);

    /// <summary>How many pages a full image of this size holds: all but the lock page.</summary>
    public uint PagesOfFullImage => Commit >= LockPage.Number(PageSize) ? Commit - 1 : Commit;

    /// <summary>Reads and checks a header.</summary>
    /// <param name="bytes">At least the first 100 bytes of the file, or all of a shorter one.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <exception cref="LtxFormatException">It breaks a rule of the format.</exception>
    public static LtxHeader Parse(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.Length < Length)
        {
            throw new LtxFormatException(file, bytes.Length, "it ends within its header");
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
        {
            throw new LtxFormatException(file, 0, "it does not begin with \"LTX1\"");
        }

        uint pageSize = BinaryPrimitives.ReadUInt32BigEndian(bytes[0x08..]);
        var header = new LtxHeader
        {
            Flags = BinaryPrimitives.ReadUInt32BigEndian(bytes[0x04..]),
            PageSize = pageSize <= MaxPageSize ? (int)pageSize : -1,
            Commit = BinaryPrimitives.ReadUInt32BigEndian(bytes[0x0C..]),
            MinTxid = BinaryPrimitives.ReadUInt64BigEndian(bytes[0x10..]),
            MaxTxid = BinaryPrimitives.ReadUInt64BigEndian(bytes[0x18..]),
            Timestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[0x20..]),
            PreApplyChecksum = BinaryPrimitives.ReadUInt64BigEndian(bytes[0x28..]),
            WalOffset = BinaryPrimitives.ReadInt64BigEndian(bytes[0x30..]),
            WalSize = BinaryPrimitives.ReadInt64BigEndian(bytes[0x38..]),
            WalSalt1 = BinaryPrimitives.ReadUInt32BigEndian(bytes[0x40..]),
            WalSalt2 = BinaryPrimitives.ReadUInt32BigEndian(bytes[0x44..]),
            NodeId = BinaryPrimitives.ReadUInt64BigEndian(bytes[0x48..]),
        };
        return header.FindProblem() is { } found ? throw new LtxFormatException(file, found.Offset, found.Problem) : header;
    }

    /// <summary>Writes the 100 bytes, after the same checks.</summary>
    /// <param name="bytes">At least 100 bytes.</param>
    /// <exception cref="ArgumentException">The header breaks a rule of the format.</exception>
    public void Write(Span<byte> bytes)
    {
        if (FindProblem() is { } found)
        {
            throw new ArgumentException($"No replica file can have this header: {found.Problem}.");
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[0x04..], Flags);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[0x08..], (uint)PageSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[0x0C..], Commit);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[0x10..], MinTxid);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[0x18..], MaxTxid);
        BinaryPrimitives.WriteInt64BigEndian(bytes[0x20..], Timestamp);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[0x28..], PreApplyChecksum);
        BinaryPrimitives.WriteInt64BigEndian(bytes[0x30..], WalOffset);
        BinaryPrimitives.WriteInt64BigEndian(bytes[0x38..], WalSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[0x40..], WalSalt1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[0x44..], WalSalt2);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[0x48..], NodeId);
        bytes[ReservedOffset..Length].Clear();
    }

    // The rules of Header.Validate in github.com/superfly/ltx, in the order of the fields.
    private (int Offset, string Problem)? FindProblem()
    {
        if ((Flags & ~NoChecksumFlag) != 0)
        {
            return (0x04, "its flags are not known");
        }

        if (PageSize is < MinPageSize or > MaxPageSize || !BitOperations.IsPow2(PageSize))
        {
            return (0x08, "its page size is not a power of two from 512 to 65536");
        }

        if (MinTxid == 0)
        {
            return (0x10, "its first transaction id is 0");
        }

        if (MaxTxid < MinTxid)
        {
            return (0x18, "its last transaction id is before its first");
        }

        bool bare = NoChecksum || MinTxid == 1;
        if (bare ? PreApplyChecksum != 0 : (PreApplyChecksum & PageChecksum.Flag) == 0)
        {
            return (0x28, bare ? "it has a checksum of the state before where none may be" : "it lacks the checksum of the state before");
        }

        if (WalOffset < 0)
        {
            return (0x30, "its WAL offset is negative");
        }

        if (WalSize < 0)
        {
            return (0x38, "its WAL size is negative");
        }

        return WalOffset == 0 && (WalSize != 0 || WalSalt1 != 0 || WalSalt2 != 0)
            ? (0x30, "its WAL offset is 0, yet it has a WAL size or salts")
            : null;
    }
}
