using System.Buffers.Binary;
using Litestream.Sqlite;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>
/// The WAL that SQLite wrote for a few commits, and where it stood after each, found by the plainest reading of the format
/// (head comment of wal.c): the slow twin of what is tested. It can be damaged and signed anew.
/// </summary>
internal sealed class WalSpecimen
{
    private readonly bool _bigEndian;

    private WalSpecimen(byte[] bytes, int pageSize)
    {
        Bytes = bytes;
        PageSize = pageSize;
        _bigEndian = bytes[3] == 0x83;
        Read();
    }

    public byte[] Bytes { get; }

    public int PageSize { get; }

    public int FrameSize => 24 + PageSize;

    public int FrameCount => (Bytes.Length - 32) / FrameSize;

    /// <summary>The position after each commit frame of the generation, without a commit counter.</summary>
    public List<WalPosition> Commits { get; } = [];

    public WalPosition End => Commits[^1];

    /// <summary>Where nothing of the WAL is known yet.</summary>
    public WalPosition Start => new(0, 0, 0, 0, 0, 1, PageSize, null);

    /// <summary>Commits in a database of its own; takes the WAL while it is open.</summary>
    public static WalSpecimen Make(string path, int pageSize = 4096, params string[] commits)
    {
        using Application application = Application.WithPages(path, pageSize);
        application.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)");
        foreach (string commit in commits.Length > 0 ? commits : Usual)
        {
            application.Execute(commit);
        }

        return new WalSpecimen(ReadShared(path + "-wal"), pageSize);
    }

    /// <summary>Reads a file that SQLite has open here.</summary>
    public static byte[] ReadShared(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The same content with checksums of another byte order, or signed anew after a change.</summary>
    public WalSpecimen Signed(bool bigEndian, Action<byte[]>? change = null)
    {
        byte[] bytes = [.. Bytes];
        change?.Invoke(bytes);
        bytes[3] = (byte)(bigEndian ? 0x83 : 0x82);
        (uint S0, uint S1) sum = Sum((0, 0), bytes.AsSpan(0, 24), bigEndian);
        Put(bytes.AsSpan(24), sum);
        for (int at = 32; at + FrameSize <= bytes.Length; at += FrameSize)
        {
            sum = Sum(sum, bytes.AsSpan(at, 8), bigEndian);
            sum = Sum(sum, bytes.AsSpan(at + 24, PageSize), bigEndian);
            Put(bytes.AsSpan(at + 16), sum);
        }

        return new WalSpecimen(bytes, PageSize);
    }

    /// <summary>With frames behind the last commit; to be signed anew.</summary>
    public WalSpecimen Appended(IEnumerable<byte[]> frames) =>
        new([.. Bytes.AsSpan(0, Offset((int)End.MaxFrame + 1)), .. frames.SelectMany(frame => frame)], PageSize);

    /// <summary>Puts the bytes where the WAL of a database would be.</summary>
    public static WalFile Place(string database, byte[] bytes)
    {
        File.WriteAllBytes(database + "-wal", bytes);
        return new WalFile(database);
    }

    /// <summary>Offset of a frame's header, frames from 1.</summary>
    public int Offset(int frame) => 32 + ((frame - 1) * FrameSize);

    /// <summary>The cumulative checksum, word by word as the documentation writes it.</summary>
    public static (uint S0, uint S1) Sum((uint S0, uint S1) sum, ReadOnlySpan<byte> data, bool bigEndian)
    {
        for (int i = 0; i < data.Length; i += 8)
        {
            uint a = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(data[i..]) : BinaryPrimitives.ReadUInt32LittleEndian(data[i..]);
            uint b = bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(data[(i + 4)..]) : BinaryPrimitives.ReadUInt32LittleEndian(data[(i + 4)..]);
            sum.S0 += a + sum.S1;
            sum.S1 += b + sum.S0;
        }

        return sum;
    }

    /// <summary>The newest page images that are committed at a position, by page number.</summary>
    public SortedDictionary<uint, byte[]> Pages(in WalPosition from, in WalPosition to)
    {
        SortedDictionary<uint, byte[]> pages = [];
        int first = from.SameGeneration(to) ? (int)from.MaxFrame + 1 : 1;
        for (int frame = first; frame <= to.MaxFrame; frame++)
        {
            pages[Word(Offset(frame))] = Bytes[(Offset(frame) + 24)..Offset(frame + 1)];
        }

        foreach (uint page in pages.Keys.ToArray())
        {
            if (page > to.PageCount)
            {
                pages.Remove(page);
            }
        }

        return pages;
    }

    private static readonly string[] Usual =
    [
        "INSERT INTO t(b) VALUES(randomblob(9000))",
        "INSERT INTO t(b) VALUES(randomblob(20000))",
        "UPDATE t SET b=randomblob(9000) WHERE id=1",
        "INSERT INTO t(b) VALUES(randomblob(30))",
    ];

    private static void Put(Span<byte> bytes, (uint S0, uint S1) sum)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, sum.S0);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], sum.S1);
    }

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32BigEndian(Bytes.AsSpan(offset));

    private void Read()
    {
        (uint S0, uint S1) sum = Sum((0, 0), Bytes.AsSpan(0, 24), _bigEndian);
        Assert.Equal(sum, (Word(24), Word(28)));
        for (int frame = 1; frame <= FrameCount; frame++)
        {
            int at = Offset(frame);
            sum = Sum(sum, Bytes.AsSpan(at, 8), _bigEndian);
            sum = Sum(sum, Bytes.AsSpan(at + 24, PageSize), _bigEndian);
            if (Word(at + 8) != Word(16) || Word(at + 12) != Word(20) || sum != (Word(at + 16), Word(at + 20)))
            {
                return;
            }

            if (Word(at + 4) != 0)
            {
                Commits.Add(new WalPosition(Word(16), Word(20), (uint)frame, sum.S0, sum.S1, Word(at + 4), PageSize, null));
            }
        }
    }
}
