using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

public class LtxMergeTests
{
    [Fact]
    public async Task Newest_image_of_each_page_is_kept_and_the_header_spans_all()
    {
        byte[] merged = await MergeAsync(
            File(2, 3, 3, (3, 0x83)), File(4, 5, 3, (1, 0x91)), File(6, 9, 5, (2, 0xa2), (3, 0xa3), (4, 0xa4), (5, 0xa5)));
        LtxReading.Content content = await LtxReading.ReadAsync(merged);
        Assert.Equal([(1u, 0x91), (2u, 0xa2), (3u, 0xa3), (4u, 0xa4), (5u, 0xa5)], content.Pages.Select(p => (p.Number, (int)p.Page[9])));
        Assert.Equal(
            new LtxHeader { Flags = 2, PageSize = 512, Commit = 5, MinTxid = 2, MaxTxid = 9, Timestamp = 9000 }, content.Header);
    }

    [Fact]
    public async Task Pages_beyond_the_final_size_are_dropped()
    {
        LtxReading.Content content = await LtxReading.ReadAsync(await MergeAsync(File(2, 3, 3, (2, 1), (3, 1)), File(4, 4, 2, (1, 2))));
        Assert.Equal([1u, 2u], content.Pages.Select(p => p.Number));
    }

    [Fact]
    public async Task Overlapping_inputs_are_merged()
    {
        LtxReading.Content content = await LtxReading.ReadAsync(await MergeAsync(File(1, 4, 2, (1, 1), (2, 1)), File(3, 6, 2, (2, 2))));
        Assert.Equal((1ul, 6ul), (content.Header.MinTxid, content.Header.MaxTxid));
        Assert.Equal([1, 2], content.Pages.Select(p => (int)p.Page[0]));
    }

    [Fact]
    public async Task Checksummed_frames_become_blocks_without_checksums()
    {
        byte[] frames = new LtxSpecimen
        {
            Flags = 0,
            MinTxid = 2,
            MaxTxid = 2,
            Commit = 2,
            Frames = true,
            PreApply = PageChecksum.Flag | 1,
            PostApply = PageChecksum.Flag | 2,
            Pages = [(2, LtxSpecimen.Repeat(5, 512))],
        }.ToBytes();
        LtxReading.Content content = await LtxReading.ReadAsync(await MergeAsync(frames, File(3, 3, 2, (1, 6))));
        Assert.True(content.Header.NoChecksum);
        Assert.Equal([6, 5], content.Pages.Select(p => (int)p.Page[0]));
    }

    [Fact]
    public async Task Page_cut_off_and_added_again_without_content_is_refused()
    {
        // Page 3 of the first file would come back to life.
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(
            () => MergeAsync(File(2, 2, 3, (3, 1)), File(3, 3, 1, (1, 2)), File(4, 4, 3, (2, 3))));
        Assert.Equal("input 2", e.File);
    }

    [Fact]
    public async Task Inputs_that_do_not_fit_are_refused()
    {
        byte[] large = new LtxSpecimen { PageSize = 1024, MinTxid = 3, MaxTxid = 3, Pages = [(1, new byte[1024])] }.ToBytes();
        await Assert.ThrowsAsync<LtxFormatException>(() => MergeAsync(File(2, 2, 1, (1, 1)), large));
        await Assert.ThrowsAsync<LtxFormatException>(() => MergeAsync(File(2, 2, 1, (1, 1)), File(4, 4, 1, (1, 1))));
        await Assert.ThrowsAsync<LtxFormatException>(() => MergeAsync(File(2, 5, 1, (1, 1)), File(3, 5, 1, (1, 1))));
    }

    [Fact]
    public async Task Damage_in_an_input_is_found_even_in_pages_that_are_not_kept()
    {
        byte[] damaged = File(2, 2, 3, (3, 1));
        damaged[130] ^= 1; // within the compressed page 3, which the second file cuts off
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => MergeAsync(damaged, File(3, 3, 2, (1, 1))));
        Assert.Equal("input 0", e.File);
    }

    private static async Task<byte[]> MergeAsync(params byte[][] files)
    {
        var inputs = new List<LtxDecoder>();
        for (int i = 0; i < files.Length; i++)
        {
            inputs.Add(await LtxDecoder.OpenAsync(new MemoryStream(files[i]), $"input {i}", CancellationToken.None));
        }

        using var output = new MemoryStream();
        await LtxMerge.MergeAsync(inputs, output, CancellationToken.None);
        foreach (LtxDecoder input in inputs)
        {
            await input.DisposeAsync();
        }

        return output.ToArray();
    }

    private static byte[] File(ulong min, ulong max, uint commit, params (uint Number, byte Fill)[] pages) => new LtxSpecimen
    {
        MinTxid = min,
        MaxTxid = max,
        Commit = commit,
        Timestamp = (long)max * 1000,
        Pages = [.. pages.Select(p => (p.Number, LtxSpecimen.Repeat(p.Fill, 512)))],
    }.ToBytes();
}
