using Litestream.Ltx;

namespace Litestream.Tests.Properties.Ltx;

public class LtxProperties
{
    // A frame page as Litestream up to 0.5.15 wrote it: page 3 of a database of 3 pages of 512 bytes, transaction 2.
    private static readonly byte[] FrameFile = Convert.FromHexString(
        "4c5458310000000200000200000000030000000000000002000000000000000200000198c2b69778"
        + "0000000000000000000000000000002000000000000002181a2b3c4d5e6f708100000000000000000000000000000000000000000000000000000000"
        + "00000003000004224d186440a7100000001f410100ec1f000100e750000000000000000000d99eca88"
        + "0000000000000364290000000000000000040000000000000000e7d2bb5bc232414c");

    [ScaledProperty(200)]
    public async Task Merge_has_the_effect_of_applying_in_turn(int seed)
    {
        var database = new RandomDatabase(seed, 12);
        var random = new Random(seed);
        int first = random.Next(11);
        int last = random.Next(first, 12);
        byte[] before = first == 0 ? [] : database.Images[first - 1];
        byte[] merged = await RandomDatabase.MergeAsync(database.Files[first..(last + 1)]);
        Assert.Equal(database.Images[last], await RandomDatabase.ApplyAsync([.. before], [merged]));
        Assert.Equal(database.Images[last], await RandomDatabase.ApplyAsync([.. before], database.Files[first..(last + 1)]));
    }

    [ScaledProperty(200)]
    public async Task Merge_in_any_grouping_gives_the_same_bytes(int seed)
    {
        var database = new RandomDatabase(seed, 10);
        var random = new Random(seed);
        List<byte[]> files = database.Files[random.Next(4)..];
        byte[] atOnce = await RandomDatabase.MergeAsync(files);
        while (files.Count > 1)
        {
            int start = random.Next(files.Count - 1);
            int count = random.Next(2, files.Count - start + 1);
            byte[] merged = await RandomDatabase.MergeAsync(files.GetRange(start, count));
            files.RemoveRange(start, count);
            files.Insert(start, merged);
        }

        Assert.Equal(atOnce, files[0]);
    }

    [ScaledProperty(500)]
    public async Task Damaged_file_is_refused_or_gives_the_same_pages(int seed, bool frame)
    {
        var random = new Random(seed);
        byte[] file = frame ? FrameFile : new RandomDatabase(seed, 3).Files[random.Next(3)];
        byte[] damaged = Damage(file, random);
        List<string>? pages = await TryReadAsync(damaged);
        if (pages is not null)
        {
            Assert.Equal(await TryReadAsync(file), pages);
        }
    }

    [ScaledProperty(500)]
    public async Task Garbage_after_a_good_header_is_refused(int seed)
    {
        // A right checksum cannot come about, so whatever the bytes claim, only an error may come out.
        var random = new Random(seed);
        byte[] garbage = [.. FrameFile[..100], .. new byte[random.Next(70_000)]];
        int filled = 100;
        while (filled < garbage.Length)
        {
            int length = Math.Min(garbage.Length - filled, random.Next(1, 300));
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(garbage.AsSpan(filled, length));
                    break;
                case 1:
                    garbage.AsSpan(filled, length).Fill(0xFF);
                    break;
                case 2:
                    FrameFile.AsSpan(100, Math.Min(length, 41)).CopyTo(garbage.AsSpan(filled));
                    break;
                default:
                    break;
            }

            filled += length;
        }

        Assert.Null(await TryReadAsync(garbage));
        Assert.Null(await TryReadAsync(garbage[100..]));
    }

    [ScaledProperty(300)]
    public async Task Index_read_from_the_end_says_where_the_pages_are(int seed)
    {
        byte[] file = new RandomDatabase(seed, 4).Files[3];
        LtxHeader header = LtxHeader.Parse(file, "f");
        LtxPageIndex index = await LtxPageIndex.ReadAsync(
            (offset, length, _) => Task.FromResult<Stream>(new MemoryStream(file, (int)offset, (int)length)),
            file.Length,
            header,
            "f",
            CancellationToken.None);
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(file), "f", CancellationToken.None);
        byte[] page = new byte[header.PageSize];
        foreach (LtxPageIndexEntry entry in index.Entries())
        {
            Assert.Equal(decoder.Position, entry.Offset);
            Assert.Equal(entry.PageNumber, await decoder.ReadPageAsync(page, CancellationToken.None));
            Assert.Equal(decoder.Position, entry.Offset + entry.Size);
        }

        Assert.Equal(0u, await decoder.ReadPageAsync(page, CancellationToken.None));
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        byte[] damaged = [.. file];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            switch (random.Next(5))
            {
                case 0:
                    damaged = damaged[..random.Next(damaged.Length)];
                    break;
                case 1:
                    random.NextBytes(damaged.AsSpan(random.Next(damaged.Length + 1)) is { Length: > 8 } tail ? tail[..random.Next(1, 8)] : []);
                    break;
                case 2:
                    damaged = [.. damaged, .. new byte[random.Next(1, 50)]];
                    break;
                default:
                    if (damaged.Length > 0)
                    {
                        damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                    }

                    break;
            }
        }

        return damaged;
    }

    // Null if it is refused; any other exception than the one for damage fails the test.
    private static async Task<List<string>?> TryReadAsync(byte[] file)
    {
        try
        {
            var pages = new List<string>();
            await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(file), "f", CancellationToken.None);
            byte[] page = new byte[decoder.Header.PageSize];
            while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
            {
                pages.Add($"{number} {Convert.ToHexString(page)}");
            }

            return pages;
        }
        catch (LtxFormatException)
        {
            return null;
        }
    }
}
