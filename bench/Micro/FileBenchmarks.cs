using System.Buffers;
using BenchmarkDotNet.Attributes;
using Litestream.Ltx;

namespace Litestream.Bench.Micro;

/// <summary>A whole replica file of some pages, written and read: compression, checksums and index together.</summary>
[Config(typeof(PageConfig))]
public class FileBenchmarks
{
    private readonly byte[] _pages = SomePages.Make();
    private readonly ArrayBufferWriter<byte> _output = new(2 * SomePages.Bytes);
    private readonly byte[] _page = new byte[SomePages.PageSize];
    private byte[] _file = [];

    [GlobalSetup]
    public void Setup()
    {
        Encode();
        _file = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public long Encode()
    {
        _output.ResetWrittenCount();
        var encoder = new LtxEncoder(_output, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = SomePages.PageSize,
            Commit = SomePages.Count,
            MinTxid = 1,
            MaxTxid = 1,
        });
        for (int i = 0; i < SomePages.Count; i++)
        {
            encoder.WritePage((uint)i + 1, SomePages.Page(_pages, i));
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
