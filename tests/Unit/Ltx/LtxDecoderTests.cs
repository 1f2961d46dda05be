using System.Buffers.Binary;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

public class LtxDecoderTests
{
    [Fact]
    public async Task Every_truncation_is_found()
    {
        foreach (byte[] file in (byte[][])[GoldenFileTests.BlockFile, GoldenFileTests.FrameFile, Several()])
        {
            for (int length = 0; length < file.Length; length++)
            {
                LtxFormatException e = await LtxReading.FailsAsync(file[..length]);
                Assert.InRange(e.Offset, 0, length);
            }
        }
    }

    [Fact]
    public async Task Every_flipped_bit_is_found_or_changes_nothing()
    {
        foreach (byte[] file in (byte[][])[GoldenFileTests.BlockFile, GoldenFileTests.FrameFile, Several()])
        {
            LtxReading.Content good = await LtxReading.ReadAsync(file);
            for (int bit = 0; bit < file.Length * 8; bit++)
            {
                byte[] damaged = [.. file];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                try
                {
                    LtxReading.Content content = await LtxReading.ReadAsync(damaged);
                    Assert.Equal(good.Header, content.Header);
                    Assert.Equal(good.Pages.Select(p => p.Number), content.Pages.Select(p => p.Number));
                    Assert.Equal(good.Pages.Select(p => p.Page), content.Pages.Select(p => p.Page));
                }
                catch (LtxFormatException e)
                {
                    Assert.InRange(e.Offset, 0, file.Length);
                }
            }
        }
    }

    [Fact]
    public async Task Bytes_after_the_end_are_found()
    {
        byte[] file = GoldenFileTests.BlockFile;
        Assert.Equal(file.Length, (await LtxReading.FailsAsync([.. file, 0])).Offset);
    }

    [Theory]
    [InlineData(0xFFFFFFFF)]
    [InlineData(0x7FFFFFFF)]
    [InlineData(531)] // one more than an incompressible page of 512 bytes can take
    [InlineData(0)]
    public async Task Hostile_length_of_a_compressed_page_is_refused_before_it_is_used(uint length)
    {
        byte[] file = [.. GoldenFileTests.BlockFile];
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(0x6a), length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        LtxFormatException e = await LtxReading.FailsAsync(file);
        Assert.Equal(0x6a, e.Offset);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public async Task Page_that_decompresses_to_less_or_more_than_a_page_is_refused()
    {
        foreach (int length in (int[])[511, 513])
        {
            byte[] file = new LtxSpecimen { Pages = [(1, new byte[512])], Compress = _ => LtxSpecimen.Literals(new byte[length]) }.ToBytes();
            Assert.Equal(110, (await LtxReading.FailsAsync(file)).Offset);
        }
    }

    [Fact]
    public async Task Pages_that_may_not_stand_there_are_refused()
    {
        byte[] page = new byte[512];
        uint locked = LockPage.Number(512);
        (LtxSpecimen File, int Offset)[] bad =
        [
            (new LtxSpecimen { Commit = 2, Pages = [(1, page)] }, 100 + 525), // a full image that ends early
            (new LtxSpecimen { Commit = 2, Pages = [(2, page)] }, 100),
            (new LtxSpecimen { Commit = 3, Pages = [(1, page), (3, page)] }, 100 + 525),
            (new LtxSpecimen { MinTxid = 2, MaxTxid = 2, Commit = 3, Pages = [(4, page)] }, 100),
            (new LtxSpecimen { MinTxid = 2, MaxTxid = 2, Commit = 3, Pages = [(2, page), (2, page)] }, 100 + 525),
            (new LtxSpecimen { MinTxid = 2, MaxTxid = 2, Commit = 3, Pages = [(2, page), (1, page)] }, 100 + 525),
            (new LtxSpecimen { MinTxid = 2, MaxTxid = 2, Commit = locked + 1, Pages = [(locked, page)] }, 100),
        ];
        foreach ((LtxSpecimen file, int offset) in bad)
        {
            Assert.Equal(offset, (await LtxReading.FailsAsync(file.ToBytes())).Offset);
        }
    }

    [Fact]
    public async Task Index_that_is_not_that_of_the_pages_is_refused_though_the_checksum_is_met()
    {
        byte[] page = new byte[512];
        Action<List<byte>>[] mangles =
        [
            index => index[0] = 3, // page 2
            index => index[1]++, // its offset
            index => index[2]++, // its size
            index => index[^1] = 1, // the terminator
            index => index.Add(0), // one byte more
            index => index.RemoveAt(index.Count - 1),
            index => index.RemoveRange(0, index.Count - 1),
        ];
        foreach (Action<List<byte>> mangle in mangles)
        {
            byte[] file = new LtxSpecimen { MinTxid = 2, MaxTxid = 2, Commit = 3, Pages = [(2, page)], Index = mangle }.ToBytes();
            LtxFormatException e = await LtxReading.FailsAsync(file);
            Assert.InRange(e.Offset, 625, file.Length);
        }
    }

    [Fact]
    public async Task Headers_that_break_a_rule_are_refused_where_they_break_it()
    {
        (LtxSpecimen File, int Offset)[] bad =
        [
            (new LtxSpecimen { Flags = 6 }, 4),
            (new LtxSpecimen { PageSize = 0 }, 8),
            (new LtxSpecimen { PageSize = 768 }, 8),
            (new LtxSpecimen { PageSize = 0x80000000 }, 8),
            (new LtxSpecimen { PageSize = 131072 }, 8),
            (new LtxSpecimen { MinTxid = 0 }, 0x10),
            (new LtxSpecimen { MinTxid = 3, MaxTxid = 2 }, 0x18),
            (new LtxSpecimen { PreApply = PageChecksum.Flag | 5 }, 0x28),
            (new LtxSpecimen { Flags = 0, PreApply = PageChecksum.Flag | 5 }, 0x28),
            (new LtxSpecimen { Flags = 0, MinTxid = 2, MaxTxid = 2 }, 0x28),
            (new LtxSpecimen { Flags = 0, MinTxid = 2, MaxTxid = 2, PreApply = 5 }, 0x28),
            (new LtxSpecimen { WalOffset = -1 }, 0x30),
            (new LtxSpecimen { WalOffset = 32, WalSize = -1 }, 0x38),
            (new LtxSpecimen { WalSize = 1 }, 0x30),
            (new LtxSpecimen { Salt1 = 1 }, 0x30),
        ];
        foreach ((LtxSpecimen file, int offset) in bad)
        {
            Assert.Equal(offset, (await LtxReading.FailsAsync(file.ToBytes())).Offset);
        }
    }

    [Fact]
    public async Task Trailers_that_break_a_rule_are_refused()
    {
        List<(uint, byte[])> pages = [(1, new byte[512])];
        await LtxReading.FailsAsync(new LtxSpecimen { Pages = pages, PostApply = PageChecksum.Flag | 5 }.ToBytes());
        await LtxReading.FailsAsync(new LtxSpecimen { Pages = pages, Flags = 0, PostApply = 0 }.ToBytes());
        await LtxReading.FailsAsync(new LtxSpecimen { Commit = 0, Flags = 0, PostApply = PageChecksum.Flag | 1 }.ToBytes());
        LtxReading.Content deletion = await LtxReading.ReadAsync(
            new LtxSpecimen { Commit = 0, Flags = 0, PostApply = PageChecksum.Flag }.ToBytes());
        Assert.Empty(deletion.Pages);
    }

    [Fact]
    public async Task Largest_pages_pass_through_in_any_division_into_reads()
    {
        var random = new Random(4);
        byte[] page = new byte[65536];
        random.NextBytes(page);
        foreach (bool frames in (bool[])[false, true])
        {
            byte[] file = new LtxSpecimen
            {
                PageSize = 65536,
                Commit = 9,
                Frames = frames,
                Pages = [.. Enumerable.Range(1, 9).Select(i => ((uint)i, page))],
            }.ToBytes();
            LtxReading.Content content = await LtxReading.ReadAsync(new TrickleStream(file, random));
            Assert.Equal(9, content.Pages.Count);
            Assert.All(content.Pages, p => Assert.Equal(page, p.Page));
        }
    }

    [Fact]
    public async Task Frames_with_parts_that_litestream_never_wrote_are_read_or_refused()
    {
        // Two stored blocks of one page: legal LZ4, read. A dictionary id: refused.
        byte[] page = new byte[512];
        new Random(2).NextBytes(page);
        byte[] frame = GoldenFileTests.FrameFile[106..117];
        byte[] two = [.. frame[..7], 0, 1, 0, 0x80, .. page[..256], 0, 1, 0, 0x80, .. page[256..], 0, 0, 0, 0, .. Hash(page)];
        byte[] decoded = new byte[512];
        Assert.Null(Lz4Frame.Decode([.. two, 1, 2, 3], decoded, out int consumed));
        Assert.Equal(two.Length, consumed);
        Assert.Equal(page, decoded);

        byte[] dictionary = [.. two];
        dictionary[4] |= 1;
        Assert.NotNull(Lz4Frame.Decode(dictionary, decoded, out _));
        byte[] empty = [.. frame[..7], 0, 0, 0, 0x80, .. two[7..]];
        Assert.NotNull(Lz4Frame.Decode(empty, decoded, out _));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Verification_of_a_whole_file_gives_its_trailer_or_its_damage()
    {
        byte[] file = [.. GoldenFileTests.BlockFile];
        Assert.Equal(
            0xe67f54e89284ae0e, (await LtxDecoder.VerifyAsync(new MemoryStream(file), "f", CancellationToken.None)).FileChecksum);
        file[0x24]++;
        await Assert.ThrowsAsync<LtxFormatException>(() => LtxDecoder.VerifyAsync(new MemoryStream(file), "f", CancellationToken.None));
    }

    private static byte[] Several()
    {
        var random = new Random(9);
        byte[] noise = new byte[512];
        random.NextBytes(noise);
        return new LtxSpecimen
        {
            Commit = 3,
            Pages = [(1, noise), (2, LtxSpecimen.Repeat(7, 512)), (3, noise)],
            Compress = page => page[0] == 7 ? LtxSpecimen.RunOfOneByte(page) : LtxSpecimen.Literals(page),
        }.ToBytes();
    }

    private static byte[] Hash(byte[] page)
    {
        byte[] hash = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(hash, XxHash32.Compute(page));
        return hash;
    }

    /// <summary>Gives a few bytes at a time, as a network does.</summary>
    private sealed class TrickleStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Read(buffer.Span[..Math.Min(buffer.Length, random.Next(1, 70_000))]);
        }
    }
}
