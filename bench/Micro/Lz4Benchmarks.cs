using BenchmarkDotNet.Attributes;
using K4os.Compression.LZ4;
using Litestream.Ltx;

namespace Litestream.Bench.Micro;

/// <summary>LZ4 of pages, each by itself: our own code, the library's, and for decompression a slow twin that copies byte by byte.</summary>
[Config(typeof(PageConfig))]
public class Lz4Benchmarks
{
    private readonly byte[] _pages = SomePages.Make();
    private readonly byte[][] _blocks = new byte[SomePages.Count][];
    private readonly byte[] _block = new byte[LtxPageFormat.MaxBlockLength(SomePages.PageSize)];
    private readonly byte[] _page = new byte[SomePages.PageSize];

    [GlobalSetup]
    public void Setup()
    {
        for (int i = 0; i < _blocks.Length; i++)
        {
            ReadOnlySpan<byte> page = SomePages.Page(_pages, i);
            _blocks[i] = _block[..Lz4BlockEncoder.Encode(page, _block)];
            if (!Lz4Block.TryDecode(_blocks[i], _page) || !page.SequenceEqual(_page)
                || LZ4Codec.Decode(_blocks[i], _page) != _page.Length || !page.SequenceEqual(_page)
                || DecodePlainly(_blocks[i], _page) != _page.Length || !page.SequenceEqual(_page))
            {
                throw new InvalidOperationException($"Page {i} does not come back from its block.");
            }
        }
    }

    [BenchmarkCategory("compress"), Benchmark]
    public long Compress()
    {
        long length = 0;
        for (int i = 0; i < SomePages.Count; i++)
        {
            length += Lz4BlockEncoder.Encode(SomePages.Page(_pages, i), _block);
        }

        return length;
    }

    [BenchmarkCategory("compress"), Benchmark(Baseline = true)]
    public long CompressK4os()
    {
        long length = 0;
        for (int i = 0; i < SomePages.Count; i++)
        {
            length += LZ4Codec.Encode(SomePages.Page(_pages, i), _block);
        }

        return length;
    }

    [BenchmarkCategory("decompress"), Benchmark]
    public bool Decompress()
    {
        bool good = true;
        foreach (byte[] block in _blocks)
        {
            good &= Lz4Block.TryDecode(block, _page);
        }

        return good;
    }

    [BenchmarkCategory("decompress"), Benchmark(Baseline = true)]
    public long DecompressK4os()
    {
        long length = 0;
        foreach (byte[] block in _blocks)
        {
            length += LZ4Codec.Decode(block, _page);
        }

        return length;
    }

    [BenchmarkCategory("decompress"), Benchmark]
    public long DecompressPlainly()
    {
        long length = 0;
        foreach (byte[] block in _blocks)
        {
            length += DecodePlainly(block, _page);
        }

        return length;
    }

    // The plainest reading of lz4_Block_format.md, for blocks that are known to be good.
    private static int DecodePlainly(ReadOnlySpan<byte> block, Span<byte> page)
    {
        const int minMatch = 4;
        int to = 0;
        for (int from = 0; ;)
        {
            byte token = block[from++];
            for (int literals = ReadLength(block, token >> 4, ref from); literals > 0; literals--)
            {
                page[to++] = block[from++];
            }

            if (from == block.Length)
            {
                return to;
            }

            int distance = block[from] | (block[from + 1] << 8);
            from += sizeof(ushort);
            for (int match = ReadLength(block, token & 15, ref from) + minMatch; match > 0; match--, to++)
            {
                page[to] = page[to - distance];
            }
        }
    }

    private static int ReadLength(ReadOnlySpan<byte> block, int length, ref int from)
    {
        for (byte more = (byte)(length == 15 ? 255 : 0); more == 255; length += more)
        {
            more = block[from++];
        }

        return length;
    }
}
