using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Litestream.Sqlite;

/// <summary>
/// SQLite's rollback journal (file format, section 3): the pages as they were before a change. As long as the file stands, whoever opens the
/// database puts them back; deleting it is the commit.
/// </summary>
internal sealed class RollbackJournal : IDisposable
{
    private const int SectorSize = 512;
    private const int ChecksumStride = 200; // pager.c: every 200th byte counts

    private static ReadOnlySpan<byte> Magic => [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

    private readonly FileStream _stream;
    private readonly byte[] _record;
    private readonly int _pageSize;
    private readonly uint _nonce = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
    private uint _records;

    /// <summary>Begins a journal. It means nothing before <see cref="Finish"/>.</summary>
    /// <param name="database">Full path of the database, which we hold exclusively.</param>
    /// <param name="pageSize">Its page size.</param>
    public RollbackJournal(string database, int pageSize)
    {
        Path = database + "-journal";
        _pageSize = pageSize;
        _record = new byte[sizeof(uint) + pageSize + sizeof(uint)];
        _stream = new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 20);
        _stream.Write(new byte[SectorSize]);
    }

    /// <summary>Full path of the journal.</summary>
    public string Path { get; }

    /// <summary>Keeps a page as it is.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="page">Its content.</param>
    public void Add(uint number, ReadOnlySpan<byte> page)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_record, number);
        page.CopyTo(_record.AsSpan(sizeof(uint)));
        uint checksum = _nonce;
        for (int i = _pageSize - ChecksumStride; i > 0; i -= ChecksumStride)
        {
            checksum += page[i];
        }

        BinaryPrimitives.WriteUInt32BigEndian(_record.AsSpan(sizeof(uint) + _pageSize), checksum);
        _stream.Write(_record);
        _records++;
    }

    /// <summary>Writes the header and flushes: from here on the journal undoes what is written to the database.</summary>
    /// <param name="pageCount">Size of the database before the change, in pages.</param>
    /// <param name="flush">Makes a file durable.</param>
    public void Finish(uint pageCount, Action<FileStream> flush)
    {
        byte[] header = new byte[SectorSize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), _records);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), _nonce);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16), pageCount);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(20), SectorSize);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(24), (uint)_pageSize);
        _stream.Flush();
        _stream.Position = 0;
        _stream.Write(header);
        flush(_stream);
    }

    /// <summary>Closes the file; it stays.</summary>
    public void Dispose() => _stream.Dispose();
}
