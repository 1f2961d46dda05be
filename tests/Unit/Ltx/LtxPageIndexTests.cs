using System.Buffers;
using System.Buffers.Binary;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

public class LtxPageIndexTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 3)]
    [InlineData(30_000, 2)] // longer than one read from the end
    [InlineData(30_000, 1)]
    public async Task Index_is_read_from_the_end_and_finds_every_page(int count, uint step)
    {
        byte[] file = Write(count, step);
        LtxHeader header = LtxHeader.Parse(file, "f");
        LtxPageIndex index = await ReadAsync(file);
        Assert.Equal(count, index.Count);

        int i = 0;
        foreach (LtxPageIndexEntry entry in index.Entries())
        {
            Assert.Equal(1 + ((uint)i++ * step), entry.PageNumber);
            Assert.Equal(entry.PageNumber, BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan((int)entry.Offset)));
            if (i < 5000 || i == count)
            {
                Assert.True(index.TryFind(entry.PageNumber, out LtxPageIndexEntry found));
                Assert.Equal(entry, found);
            }
        }

        Assert.Equal(count, i);
        Assert.False(index.TryFind(0, out _));
        Assert.False(index.TryFind(uint.MaxValue, out _));
        Assert.Equal(step > 1, !index.TryFind(2, out _) && count > 1);
        Assert.Equal(step == 1, index.HoldsEveryPage(header));
    }

    [Fact]
    public void File_that_holds_all_but_the_lock_page_holds_every_page()
    {
        LtxHeader header = LtxEncoderTests.Header(65536, commit: 16386, min: 2, max: 2);
        var pages = new PageExtents();
        for (uint page = 1; page <= header.Commit; page++)
        {
            if (page != LockPage.Number(65536))
            {
                pages.Append(page, 100);
            }
        }

        Assert.True(new LtxPageIndex(pages).HoldsEveryPage(header));
        Assert.False(new LtxPageIndex(pages).HoldsEveryPage(header with { Commit = 16387 }));
    }

    [Fact]
    public async Task Every_truncation_and_every_flipped_bit_of_the_index_is_found()
    {
        byte[] file = Write(40, 3);
        int end = file.Length - 16;
        int start = end - 8 - (int)BinaryPrimitives.ReadUInt64BigEndian(file.AsSpan(end - 8));
        for (int bit = start * 8; bit < end * 8; bit++)
        {
            byte[] damaged = [.. file];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            await FailsOrDiffersInAPageNumberAsync(damaged, file);
        }

        for (int length = 0; length < file.Length; length++)
        {
            await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file[..length]));
        }
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x8000000000000000)]
    [InlineData(0x7FFFFFFFFFFFFFFF)]
    [InlineData(0ul)]
    [InlineData(1ul)]
    public async Task Hostile_length_of_the_index_is_refused(ulong length)
    {
        byte[] file = Write(10, 1);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(file.Length - 24), length);
        await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file));
    }

    [Fact]
    public async Task Listing_that_tells_a_wrong_length_is_an_error_of_the_file()
    {
        byte[] file = Write(10, 1);
        await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file, file.Length + 1000));
        await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file, -1));
        await Assert.ThrowsAsync<LtxFormatException>(() => ReadAsync(file, long.MaxValue));
    }

    [Fact]
    public void Million_pages_take_a_few_megabytes()
    {
        var pages = new PageExtents();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (uint page = 1; page <= 1_000_000; page++)
        {
            pages.Append(page, 2000);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 2_500_000);
        Assert.Equal(100 + 2_000_000_000L, pages.End);
    }

    // A page number may become another one that fits between its neighbours; only the file's checksum can tell.
    private static async Task FailsOrDiffersInAPageNumberAsync(byte[] damaged, byte[] file)
    {
        try
        {
            LtxPageIndex index = await ReadAsync(damaged);
            LtxPageIndex good = await ReadAsync(file);
            Assert.Equal(good.Entries().Select(e => (e.Offset, e.Size)), index.Entries().Select(e => (e.Offset, e.Size)));
            Assert.NotEqual(good.Entries(), index.Entries());
        }
        catch (LtxFormatException e)
        {
            Assert.InRange(e.Offset, 0, file.Length);
        }
    }

    private static Task<LtxPageIndex> ReadAsync(byte[] file, long? length = null)
    {
        LtxHeader header = file.Length >= 100 ? LtxHeader.Parse(file, "f") : LtxEncoderTests.Header(512, 1, 1, 1);
        return LtxPageIndex.ReadAsync(
            (offset, count, _) =>
            {
                int start = (int)Math.Min(offset, file.Length);
                return Task.FromResult<Stream>(new MemoryStream(file, start, (int)Math.Min(count, file.Length - start)));
            },
            length ?? file.Length,
            header,
            "f",
            CancellationToken.None);
    }

    private static byte[] Write(int count, uint step)
    {
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, LtxEncoderTests.Header(512, commit: 1 + ((uint)(count - 1) * step) + (step - 1), min: 2, max: 2));
        byte[] page = new byte[512];
        var random = new Random(count);
        for (uint i = 0; i < count; i++)
        {
            random.NextBytes(page.AsSpan(0, random.Next(512)));
            encoder.WritePage(1 + (i * step), page);
        }

        encoder.Finish();
        return output.WrittenSpan.ToArray();
    }
}
