using System.Buffers;
using System.Collections.Concurrent;
using Litestream.Ltx;

namespace Litestream.Tests.Properties.Ltx;

/// <summary>The reader on several cores beside the one that takes page after page.</summary>
public class LtxRunReaderProperties
{
    [ScaledProperty(200)]
    public async Task Small_files_give_the_same_pages_or_are_refused(int seed)
    {
        var random = new Random(seed);
        byte[] file = new RandomDatabase(seed, 3).Files[random.Next(3)];
        await CompareAsync(file, random);
        for (int i = 0; i < 5; i++)
        {
            await CompareAsync(Damage(file, random), random);
        }
    }

    [ScaledProperty(20)]
    public async Task Files_of_many_runs_give_the_same_pages_or_are_refused(int seed)
    {
        var random = new Random(seed);
        byte[] file = LargeFile(random);
        await CompareAsync(file, random);
        await CompareAsync(Damage(file, random), random);
    }

    private static async Task CompareAsync(byte[] file, Random random)
    {
        int part = random.Next(1, 4);
        Assert.Equal(await DecodeAsync(file, part), await ReadAsync(file, part));
    }

    // The wanted pages with their checksums; null if the file is refused.
    private static async Task<List<(uint, string, ulong)>?> DecodeAsync(byte[] file, int part)
    {
        try
        {
            List<(uint, string, ulong)> pages = [];
            await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(file), "f", CancellationToken.None);
            byte[] page = new byte[decoder.Header.PageSize];
            while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
            {
                if (number % part == 0)
                {
                    pages.Add((number, Convert.ToHexString(page), PageChecksum.Compute(number, page)));
                }
            }

            return pages;
        }
        catch (LtxFormatException)
        {
            return null;
        }
    }

    private static async Task<List<(uint, string, ulong)>?> ReadAsync(byte[] file, int part)
    {
        ConcurrentDictionary<uint, string> worked = [];
        List<(uint, string, ulong)> pages = [];
        LtxRunReader reader = new(Work, InOrder, needsChecksums: true);
        try
        {
            await using LtxScanner scanner = await LtxScanner.OpenAsync(new MemoryStream(file), "f", 4096, CancellationToken.None);
            await reader.ReadAsync(scanner, number => number % part == 0, null, CancellationToken.None);
            return pages;
        }
        catch (LtxFormatException)
        {
            return null;
        }

        void Work(LtxPageRun run)
        {
            for (int i = 0; i < run.Count; i++)
            {
                Assert.True(worked.TryAdd(run.Number(i), Convert.ToHexString(run.Pages(i, 1))));
            }
        }

        void InOrder(LtxPageRun run)
        {
            for (int i = 0; i < run.Count; i++)
            {
                pages.Add((run.Number(i), worked[run.Number(i)], run.Checksum(i)));
            }
        }
    }

    private static byte[] LargeFile(Random random)
    {
        int pageSize = 1024 << random.Next(4);
        int pages = (random.Next(1, 4) << 20) / pageSize;
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = pageSize,
            Commit = (uint)pages,
            MinTxid = 1,
            MaxTxid = 1,
        });
        byte[] page = new byte[pageSize];
        for (uint number = 1; number <= pages; number++)
        {
            random.NextBytes(page.AsSpan(0, random.Next(pageSize)));
            encoder.WritePage(number, page);
        }

        encoder.Finish();
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        byte[] damaged = [.. file];
        damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
        return random.Next(4) == 0 ? damaged[..random.Next(damaged.Length)] : damaged;
    }
}
