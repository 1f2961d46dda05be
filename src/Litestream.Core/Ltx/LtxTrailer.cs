using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>The last 16 bytes of a replica file, big-endian.</summary>
/// <param name="PostApplyChecksum">Checksum of the database after the last transaction; 0 if the header says so.</param>
/// <param name="FileChecksum">Checksum of the file: everything before it, pages uncompressed.</param>
public readonly record struct LtxTrailer(ulong PostApplyChecksum, ulong FileChecksum)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>Reads and checks a trailer against its header. Whether the checksums are met is the decoder's business.</summary>
    /// <param name="bytes">The 16 bytes.</param>
    /// <param name="header">The file's header.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="offset">Where the trailer begins, for errors.</param>
    /// <exception cref="LtxFormatException">It breaks a rule of the format.</exception>
    public static LtxTrailer Parse(ReadOnlySpan<byte> bytes, in LtxHeader header, string file, long offset)
    {
        if (bytes.Length < Length)
        {
            throw new LtxFormatException(file, offset + bytes.Length, "it ends within its trailer");
        }

        var trailer = new LtxTrailer(
            BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));
        return trailer.FindProblem(header) is { } found
            ? throw new LtxFormatException(file, offset + found.Offset, found.Problem)
            : trailer;
    }

    /// <summary>Writes the 16 bytes, after the same checks.</summary>
    /// <param name="bytes">At least 16 bytes.</param>
    /// <param name="header">The file's header.</param>
    /// <exception cref="ArgumentException">The trailer breaks a rule of the format.</exception>
    public void Write(Span<byte> bytes, in LtxHeader header)
    {
        if (FindProblem(header) is { } found)
        {
            throw new ArgumentException($"No replica file can have this trailer: {found.Problem}.");
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes, PostApplyChecksum);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], FileChecksum);
    }

    private (int Offset, string Problem)? FindProblem(in LtxHeader header)
    {
        if (header.NoChecksum ? PostApplyChecksum != 0 : (PostApplyChecksum & PageChecksum.Flag) == 0)
        {
            return (0, header.NoChecksum
                ? "it has a checksum of the state after where none may be"
                : "it lacks the checksum of the state after");
        }

        if (!header.NoChecksum && header.Commit == 0 && PostApplyChecksum != PageChecksum.Flag)
        {
            return (0, "its checksum of the state after is not that of an empty database");
        }

        return (FileChecksum & PageChecksum.Flag) == 0 ? (sizeof(ulong), "it lacks its own checksum") : null;
    }
}
