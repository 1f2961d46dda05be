using System.Buffers;
using Litestream.Ltx;

namespace Litestream.Tests.Properties.Ltx;

/// <summary>
/// A database that grows, shrinks and changes at random, with the replica file of each transaction and the image after it.
/// Transaction 1 is a full image.
/// </summary>
internal sealed class RandomDatabase
{
    private readonly Random _random;

    internal RandomDatabase(int seed, int transactions)
    {
        _random = new Random(seed);
        PageSize = 512 << _random.Next(4);
        var image = new List<byte[]>();
        for (ulong txid = 1; txid <= (ulong)transactions; txid++)
        {
            Step(txid, image);
        }
    }

    internal int PageSize { get; }

    /// <summary>Replica files of transactions 1, 2, ...</summary>
    internal List<byte[]> Files { get; } = [];

    /// <summary>The database after transaction 1, 2, ...</summary>
    internal List<byte[]> Images { get; } = [];

    internal static async Task<byte[]> MergeAsync(IEnumerable<byte[]> files)
    {
        var inputs = new List<LtxDecoder>();
        foreach (byte[] file in files)
        {
            inputs.Add(await LtxDecoder.OpenAsync(new MemoryStream(file), $"input {inputs.Count}", 4096, CancellationToken.None));
        }

        using var output = new MemoryStream();
        await LtxMerge.MergeAsync(inputs, output, CancellationToken.None);
        foreach (LtxDecoder input in inputs)
        {
            await input.DisposeAsync();
        }

        return output.ToArray();
    }

    /// <summary>Applies files in turn to an image, as the format's description says.</summary>
    internal static async Task<byte[]> ApplyAsync(byte[] image, IEnumerable<byte[]> files)
    {
        foreach (byte[] file in files)
        {
            await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(file), "applied", CancellationToken.None);
            int pageSize = decoder.Header.PageSize;
            Array.Resize(ref image, (int)decoder.Header.Commit * pageSize);
            byte[] page = new byte[pageSize];
            while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
            {
                page.CopyTo(image, (number - 1) * pageSize);
            }
        }

        return image;
    }

    private void Step(ulong txid, List<byte[]> image)
    {
        int before = txid == 1 ? 0 : image.Count;
        int size = _random.Next(4) switch
        {
            0 => _random.Next(1, 30),
            1 => before + _random.Next(5),
            _ => before,
        };
        size = Math.Max(1, size);
        image.RemoveRange(Math.Min(size, image.Count), Math.Max(0, image.Count - size));
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = PageSize,
            Commit = (uint)size,
            MinTxid = txid,
            MaxTxid = txid,
            Timestamp = 1_700_000_000_000 + ((long)txid * 10),
        });
        for (int i = 0; i < size; i++)
        {
            if (i >= image.Count)
            {
                image.Add([]);
            }
            else if (i < before && _random.Next(3) != 0)
            {
                continue;
            }

            image[i] = RandomPage();
            encoder.WritePage((uint)i + 1, image[i]);
        }

        encoder.Finish();
        Files.Add(output.WrittenSpan.ToArray());
        Images.Add([.. image.SelectMany(page => page)]);
    }

    private byte[] RandomPage()
    {
        byte[] page = new byte[PageSize];
        _random.NextBytes(page.AsSpan(0, _random.Next(3) switch { 0 => 8, 1 => _random.Next(PageSize), _ => PageSize }));
        return page;
    }
}
