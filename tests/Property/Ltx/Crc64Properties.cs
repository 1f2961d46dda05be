using Litestream.Ltx;

namespace Litestream.Tests.Properties.Ltx;

public class Crc64Properties
{
    [ScaledProperty(300)]
    public void Multiplication_and_tables_give_the_same_at_any_length_and_alignment(int seed)
    {
        if (!Crc64Folding.IsSupported)
        {
            Console.WriteLine("This processor has no carry-less multiply: tables are compared with themselves.");
        }

        var random = new Random(seed);
        byte[] bytes = new byte[random.Next(20_000)];
        random.NextBytes(bytes);
        int start = random.Next(Math.Min(64, bytes.Length + 1));
        ReadOnlySpan<byte> piece = bytes.AsSpan(start, Math.Min(bytes.Length - start, random.Next(2) == 0 ? random.Next(400) : 20_000));
        Assert.Equal(~Crc64Table.Update(ulong.MaxValue, piece), Crc64.Compute(piece));
    }

    [ScaledProperty(300)]
    public void Any_division_into_pieces_gives_the_same(int seed)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[random.Next(10_000)];
        random.NextBytes(bytes);
        Crc64 crc = default;
        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(bytes.Length - at, random.Next(random.Next(1, 600)));
            crc.Append(bytes.AsSpan(at, length));
            at += length;
        }

        Assert.Equal(Crc64.Compute(bytes), crc.Value);
    }

    [ScaledProperty(300)]
    public void Pieces_whose_checksums_are_known_give_the_same_as_their_bytes(int seed)
    {
        var random = new Random(seed);
        byte[] bytes = new byte[random.Next(10_000)];
        random.NextBytes(bytes);
        Crc64 crc = default;
        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(bytes.Length - at, random.Next(random.Next(1, 3000)));
            Crc64 piece = default;
            piece.Append(bytes.AsSpan(at, length));
            crc.Append(piece, length);
            at += length;
        }

        Assert.Equal(Crc64.Compute(bytes), crc.Value);
    }
}
