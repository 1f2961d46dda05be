using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Litestream.Ltx;

namespace Litestream.Bench.Micro;

/// <summary>The index at the end of a full image of 400 MB: read, asked for single pages, walked from end to end.</summary>
[MemoryDiagnoser]
public class PageIndexBenchmarks
{
    private const int Pages = 100_000;
    private const int Asked = 1000;

    private static readonly LtxHeader Header = new()
    {
        Flags = LtxHeader.NoChecksumFlag,
        PageSize = SomePages.PageSize,
        Commit = Pages,
        MinTxid = 1,
        MaxTxid = 1,
    };

    private byte[] _bytes = [];
    private long _fileLength;
    private LtxPageIndex _index = null!;
    private uint[] _asked = [];

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        byte[] bytes = new byte[(Pages * 3 * LtxPageFormat.MaxVarintLength) + 1 + sizeof(ulong)];
        int length = 0;
        long offset = LtxHeader.Length;
        for (uint page = 1; page <= Pages; page++)
        {
            int size = random.Next(LtxPageFormat.MinPageLength, SomePages.PageSize);
            length += LtxPageFormat.WriteIndexEntry(bytes.AsSpan(length), new LtxPageIndexEntry(page, offset, size));
            offset += size;
        }

        length++; // the zero that ends it
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(length), (ulong)length);
        _bytes = bytes[..(length + sizeof(ulong))];
        _fileLength = offset + LtxPageFormat.PageHeaderLength + _bytes.Length + LtxTrailer.Length;
        _index = Parse();
        _asked = [.. Enumerable.Range(0, Asked).Select(_ => (uint)random.Next(1, Pages + 1))];
        if (Find() != Asked || _index.Count != Pages)
        {
            throw new InvalidOperationException("A page is not found in the index that holds it.");
        }
    }

    [Benchmark]
    public LtxPageIndex Parse() => LtxPageIndex.Parse(_bytes, _fileLength, Header, "memory");

    [Benchmark(OperationsPerInvoke = Asked)]
    public int Find()
    {
        int found = 0;
        foreach (uint page in _asked)
        {
            found += _index.TryFind(page, out _) ? 1 : 0;
        }

        return found;
    }

    [Benchmark]
    public long Walk()
    {
        long bytes = 0;
        foreach (LtxPageIndexEntry entry in _index.Entries())
        {
            bytes += entry.Size;
        }

        return bytes;
    }
}
