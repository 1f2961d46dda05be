using System.Buffers;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

public class LtxEncoderTests
{
    public static TheoryData<int> PageSizes => [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

    [Theory]
    [MemberData(nameof(PageSizes))]
    public async Task Pages_of_every_kind_come_back_for_every_page_size(int pageSize)
    {
        var random = new Random(pageSize);
        byte[] noise = new byte[pageSize];
        random.NextBytes(noise);
        byte[] half = [.. noise[..(pageSize / 2)], .. new byte[pageSize / 2]];
        byte[][] pages = [noise, new byte[pageSize], half, LtxSpecimen.Repeat(0xFF, pageSize)];

        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, Header(pageSize, commit: 4, min: 1, max: 7));
        for (uint i = 0; i < pages.Length; i++)
        {
            encoder.WritePage(i + 1, pages[i]);
        }

        LtxTrailer trailer = encoder.Finish();
        LtxReading.Content content = await LtxReading.ReadAsync(output.WrittenSpan.ToArray());
        Assert.Equal(encoder.Length, output.WrittenCount);
        Assert.Equal(encoder.Header, content.Header);
        Assert.Equal(trailer, content.Trailer);
        Assert.Equal([1u, 2u, 3u, 4u], content.Pages.Select(p => p.Number));
        Assert.Equal(pages, content.Pages.Select(p => p.Page));
    }

    [Theory]
    [MemberData(nameof(PageSizes))]
    public async Task Neighbours_of_the_lock_page_are_kept_and_the_lock_page_is_refused(int pageSize)
    {
        uint locked = LockPage.Number(pageSize);
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, Header(pageSize, commit: uint.MaxValue, min: 2, max: 2));
        byte[] page = new byte[pageSize];
        encoder.WritePage(locked - 1, page);
        Assert.Throws<ArgumentException>(() => encoder.WritePage(locked, page));
        encoder.WritePage(locked + 1, page);
        encoder.WritePage(uint.MaxValue, page);
        encoder.Finish();

        byte[] file = output.WrittenSpan.ToArray();
        LtxReading.Content content = await LtxReading.ReadAsync(file);
        Assert.Equal([locked - 1, locked + 1, uint.MaxValue], content.Pages.Select(p => p.Number));
    }

    [Fact]
    public async Task File_without_pages_is_a_file()
    {
        var output = new ArrayBufferWriter<byte>();
        new LtxEncoder(output, Header(4096, commit: 5, min: 3, max: 3)).Finish();
        Assert.Empty((await LtxReading.ReadAsync(output.WrittenSpan.ToArray())).Pages);
    }

    [Fact]
    public void Pages_out_of_order_or_range_or_size_are_refused()
    {
        var encoder = new LtxEncoder(new ArrayBufferWriter<byte>(), Header(512, commit: 10, min: 2, max: 2));
        byte[] page = new byte[512];
        Assert.Throws<ArgumentException>(() => encoder.WritePage(0, page));
        Assert.Throws<ArgumentException>(() => encoder.WritePage(11, page));
        Assert.Throws<ArgumentException>(() => encoder.WritePage(1, new byte[511]));
        encoder.WritePage(5, page);
        Assert.Throws<ArgumentException>(() => encoder.WritePage(5, page));
        Assert.Throws<ArgumentException>(() => encoder.WritePage(4, page));
        encoder.Finish();
        Assert.Throws<InvalidOperationException>(() => encoder.WritePage(6, page));
    }

    [Fact]
    public void Full_image_must_hold_every_page()
    {
        byte[] page = new byte[512];
        var encoder = new LtxEncoder(new ArrayBufferWriter<byte>(), Header(512, commit: 3, min: 1, max: 4));
        Assert.Throws<ArgumentException>(() => encoder.WritePage(2, page));
        encoder.WritePage(1, page);
        Assert.Throws<ArgumentException>(() => encoder.WritePage(3, page));
        encoder.WritePage(2, page);
        Assert.Throws<InvalidOperationException>(() => encoder.Finish());
    }

    [Fact]
    public void Headers_that_no_replica_file_can_have_are_refused()
    {
        LtxHeader good = Header(512, commit: 1, min: 2, max: 3);
        LtxHeader[] bad =
        [
            good with { Flags = 0, PreApplyChecksum = PageChecksum.Flag },
            good with { Flags = 3 },
            good with { Commit = 0 },
            good with { PageSize = 513 },
            good with { PageSize = 256 },
            good with { PageSize = 131072 },
            good with { MinTxid = 0 },
            good with { MaxTxid = 1 },
            good with { PreApplyChecksum = PageChecksum.Flag | 1 },
            good with { WalSize = 1 },
            good with { WalSalt2 = 1 },
            good with { WalOffset = -32 },
            good with { WalOffset = 32, WalSize = -1 },
        ];
        Assert.All(bad, header => Assert.Throws<ArgumentException>(() => new LtxEncoder(new ArrayBufferWriter<byte>(), header)));
    }

    [Fact]
    public async Task Large_index_is_finished_in_parts()
    {
        const int count = 50_000;
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, Header(512, commit: 3 * count, min: 2, max: 2));
        byte[] page = new byte[512];
        for (uint i = 0; i < count; i++)
        {
            encoder.WritePage(1 + (3 * i), page);
        }

        int parts = 1;
        long before = encoder.Length;
        for (; !encoder.TryFinish(out _); parts++)
        {
            Assert.InRange(encoder.Length - before, 1, 70_000);
            before = encoder.Length;
        }

        Assert.True(parts > 5);
        Assert.Equal(count, (await LtxReading.ReadAsync(output.WrittenSpan.ToArray())).Pages.Count);
    }

    [Fact]
    public void Writing_a_page_allocates_nothing()
    {
        const int pages = 2000;
        var output = new ArrayBufferWriter<byte>(pages * 5000);
        var encoder = new LtxEncoder(output, Header(4096, commit: 100_000, min: 2, max: 2));
        byte[] page = new byte[4096];
        new Random(1).NextBytes(page.AsSpan(1000));
        encoder.WritePage(1, page);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (uint i = 2; i < pages; i++)
        {
            encoder.WritePage(i, page);
        }

        // Room for one part of the list of pages, nothing for each page.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 40_000);
    }

    internal static LtxHeader Header(int pageSize, uint commit, ulong min, ulong max) => new()
    {
        Flags = LtxHeader.NoChecksumFlag,
        PageSize = pageSize,
        Commit = commit,
        MinTxid = min,
        MaxTxid = max,
        Timestamp = 1_700_000_000_000 + (long)max,
    };
}
