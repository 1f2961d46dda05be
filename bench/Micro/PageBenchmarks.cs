using System.Buffers;
using BenchmarkDotNet.Attributes;
using Litestream.Ltx;
using Litestream.Sqlite;

namespace Litestream.Bench.Micro;

/// <summary>What is done for each page on its way from the WAL to the replica and back. One operation is 1 MiB of pages.</summary>
[MemoryDiagnoser]
public class PageBenchmarks
{
    private const int PageSize = 4096;
    private const uint Pages = 256;

    private readonly byte[] _pages = new byte[PageSize * Pages];
    private readonly ArrayBufferWriter<byte> _output = new(2 * PageSize * (int)Pages);
    private readonly byte[] _page = new byte[PageSize];
    private byte[] _file = [];

    [GlobalSetup]
    public void Setup()
    {
        // Half compressible, like rows of text: runs of a few letters among random bytes.
        var random = new Random(1);
        for (int i = 0; i < _pages.Length; i++)
        {
            _pages[i] = i / 32 % 2 == 0 ? (byte)random.Next() : (byte)'a';
        }

        Encode();
        _file = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public ulong Crc64OfPages() => Crc64.Compute(_pages);

    [Benchmark]
    public WalChecksum WalChecksumOfPages() => default(WalChecksum).Append(_pages, bigEndian: false);

    [Benchmark]
    public long Encode()
    {
        _output.ResetWrittenCount();
        var encoder = new LtxEncoder(_output, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = PageSize,
            Commit = Pages,
            MinTxid = 1,
            MaxTxid = 1,
        });
        for (uint page = 1; page <= Pages; page++)
        {
            encoder.WritePage(page, _pages.AsSpan((int)(page - 1) * PageSize, PageSize));
        }

        encoder.Finish();
        return encoder.Length;
    }

    [Benchmark]
    public async Task<long> Decode()
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(_file), "memory", CancellationToken.None);
        while (await decoder.ReadPageAsync(_page, CancellationToken.None) != 0)
        {
        }

        return decoder.PageCount;
    }
}
