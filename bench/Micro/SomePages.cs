namespace Litestream.Bench.Micro;

/// <summary>One mebibyte of pages, half compressible, like rows of text: runs of one letter among random bytes.</summary>
internal static class SomePages
{
    public const int PageSize = 4096;
    public const int Count = 256;
    public const int Bytes = PageSize * Count;

    public static byte[] Make()
    {
        var random = new Random(1);
        byte[] pages = new byte[Bytes];
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = i / 32 % 2 == 0 ? (byte)random.Next() : (byte)'a';
        }

        return pages;
    }

    public static Span<byte> Page(byte[] pages, int number) => pages.AsSpan(number * PageSize, PageSize);
}
