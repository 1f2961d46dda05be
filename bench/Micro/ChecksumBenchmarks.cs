using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Litestream.Ltx;
using Litestream.Sqlite;

namespace Litestream.Bench.Micro;

/// <summary>The checksum of replica files and that of the WAL, each beside its slow twin.</summary>
[Config(typeof(PageConfig))]
public class ChecksumBenchmarks
{
    private readonly byte[] _pages = SomePages.Make();

    [GlobalSetup]
    public void Setup()
    {
        if (Crc64OfPages() != Crc64ByTable() || WalChecksumOfPages() != WalChecksumByTheBook())
        {
            throw new InvalidOperationException("A checksum differs from that of its slow twin.");
        }
    }

    [BenchmarkCategory("CRC-64"), Benchmark]
    public ulong Crc64OfPages() => Crc64.Compute(_pages);

    [BenchmarkCategory("CRC-64"), Benchmark(Baseline = true)]
    public ulong Crc64ByTable() => ~Crc64Table.Update(ulong.MaxValue, _pages);

    [BenchmarkCategory("WAL checksum"), Benchmark]
    public WalChecksum WalChecksumOfPages() => default(WalChecksum).Append(_pages, bigEndian: false);

    [BenchmarkCategory("WAL checksum"), Benchmark]
    public WalChecksum WalChecksumOfSwappedPages() => default(WalChecksum).Append(_pages, bigEndian: true);

    // walChecksumBytes in wal.c, word by word.
    [BenchmarkCategory("WAL checksum"), Benchmark(Baseline = true)]
    public WalChecksum WalChecksumByTheBook()
    {
        (uint s0, uint s1) = (0u, 0u);
        for (int i = 0; i < _pages.Length; i += 2 * sizeof(uint))
        {
            s0 += BinaryPrimitives.ReadUInt32LittleEndian(_pages.AsSpan(i)) + s1;
            s1 += BinaryPrimitives.ReadUInt32LittleEndian(_pages.AsSpan(i + sizeof(uint))) + s0;
        }

        return new WalChecksum(s0, s1);
    }
}
