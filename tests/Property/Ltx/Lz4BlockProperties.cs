using K4os.Compression.LZ4;
using Litestream.Ltx;

namespace Litestream.Tests.Properties.Ltx;

/// <summary>Our decompression of a page beside the library's, for blocks of every make and for damaged ones.</summary>
public class Lz4BlockProperties
{
    [ScaledProperty(2000)]
    public void It_gives_what_the_library_gives_and_refuses_what_is_damaged(int seed)
    {
        var random = new Random(seed);
        byte[] page = Page(random);
        byte[] block = new byte[LZ4Codec.MaximumOutputSize(page.Length)];
        block = block[..LZ4Codec.Encode(page, block, random.Next(2) == 0 ? LZ4Level.L00_FAST : LZ4Level.L09_HC)];
        byte[] ours = new byte[page.Length];
        random.NextBytes(ours);
        Assert.True(Lz4Block.TryDecode(block, ours));
        Assert.Equal(page, ours);

        for (int i = 0; i < 20; i++)
        {
            Compare(Damage(block, random), page.Length);
        }
    }

    [ScaledProperty(2000)]
    public void The_library_decompresses_what_ours_has_compressed(int seed)
    {
        var random = new Random(seed);
        byte[] page = Page(random);
        byte[] block = new byte[LtxPageFormat.MaxBlockLength(page.Length) + 1];
        int length = Lz4BlockEncoder.Encode(page, block.AsSpan(0, block.Length - 1));
        Assert.Equal(0, block[^1]);

        byte[] theirs = new byte[page.Length];
        Assert.Equal(page.Length, LZ4Codec.Decode(block.AsSpan(0, length), theirs));
        Assert.Equal(page, theirs);
        byte[] ours = new byte[page.Length];
        Assert.True(Lz4Block.TryDecode(block.AsSpan(0, length), ours));
        Assert.Equal(page, ours);
    }

    private static void Compare(ReadOnlySpan<byte> block, int pageSize)
    {
        byte[] ours = new byte[pageSize];
        byte[] theirs = new byte[pageSize];
        bool accepted = Lz4Block.TryDecode(block, ours);

        // A match at no distance is against the format; the library copies what happens to stand there.
        Assert.Equal(accepted, LZ4Codec.Decode(block, theirs) == pageSize && !HasMatchAtNoDistance(block));
        if (accepted)
        {
            Assert.Equal(theirs, ours);
        }
    }

    private static byte[] Page(Random random)
    {
        byte[] page = new byte[512 << random.Next(8)];
        for (int at = 0; at < page.Length;)
        {
            int length = Math.Min(random.Next(1, random.Next(2, 700)), page.Length - at);
            Span<byte> piece = page.AsSpan(at, length);
            switch (random.Next(4))
            {
                case 0:
                    random.NextBytes(piece);
                    break;
                case 1:
                    piece.Fill((byte)random.Next(256));
                    break;
                case 2 when at > 0:
                    int distance = random.Next(1, Math.Min(at, 40) + 1);
                    for (int i = 0; i < length; i++)
                    {
                        page[at + i] = page[at + i - distance];
                    }

                    break;
                case 3 when at > length:
                    page.AsSpan(random.Next(at - length), length).CopyTo(piece);
                    break;
                default:
                    break;
            }

            at += length;
        }

        return page;
    }

    private static ReadOnlySpan<byte> Damage(byte[] block, Random random)
    {
        byte[] damaged = [.. block];
        for (int i = random.Next(4); i > 0; i--)
        {
            damaged[random.Next(damaged.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : damaged[random.Next(damaged.Length)];
        }

        return random.Next(4) == 0 ? damaged.AsSpan(0, random.Next(damaged.Length)) : damaged;
    }

    private static bool HasMatchAtNoDistance(ReadOnlySpan<byte> block)
    {
        for (int at = 0; at < block.Length;)
        {
            byte token = block[at++];
            int literals = Length(block, token >> 4, ref at);
            at += literals;
            if (at + 2 > block.Length)
            {
                return false;
            }

            if (block[at] == 0 && block[at + 1] == 0)
            {
                return true;
            }

            at += 2;
            Length(block, token & 15, ref at);
        }

        return false;
    }

    private static int Length(ReadOnlySpan<byte> block, int length, ref int at)
    {
        byte more = (byte)(length == 15 ? 255 : 0);
        while (more == 255 && at < block.Length)
        {
            more = block[at++];
            length += more;
        }

        return length;
    }
}
