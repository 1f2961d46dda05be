using System.Globalization;
using System.Security.Cryptography;
using Litestream.Ltx;
using Litestream.Sqlite;

namespace Litestream.Verification;

/// <summary>A database image reduced to its MD5 and one checksum a page: enough to prove equality, and to name the pages that differ.</summary>
/// <param name="Md5">MD5 of all bytes, lower-case hex.</param>
/// <param name="Pages">The checksum of each page, page 1 first.</param>
internal sealed record ImageDigest(string Md5, ulong[] Pages)
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Reads a pinned image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static ImageDigest OfLive(PinnedImage image, CancellationToken cancellationToken) => Read(
        image.Position.PageSize,
        image.Position.PageCount,
        (first, pages) => image.ReadPages(first, pages),
        cancellationToken);

    /// <summary>Reads a database file that nobody has open.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="pageSize">Page size in bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static ImageDigest OfFile(string path, int pageSize, CancellationToken cancellationToken)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        return Read(pageSize, (uint)(file.Length / pageSize), (_, pages) => file.ReadExactly(pages), cancellationToken);
    }

    /// <summary>Says in a clause where two images differ.</summary>
    /// <param name="other">The other image.</param>
    /// <param name="most">How many pages to name.</param>
    public string DescribeDifference(ImageDigest other, int most)
    {
        List<int> pages = [.. Enumerable.Range(0, Math.Min(Pages.Length, other.Pages.Length)).Where(i => Pages[i] != other.Pages[i])];
        string size = Pages.Length == other.Pages.Length
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $"it has {other.Pages.Length} pages instead of {Pages.Length}; ");
        string named = string.Join(", ", pages.Take(most).Select(page => (page + 1).ToString(CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"{size}{pages.Count} pages differ{(pages.Count > 0 ? $" ({named}{(pages.Count > most ? ", …" : "")})" : "")}");
    }

    private static ImageDigest Read(int pageSize, uint pageCount, Action<uint, Span<byte>> read, CancellationToken cancellationToken)
    {
        using IncrementalHash md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        ulong[] checksums = new ulong[pageCount];
        byte[] chunk = new byte[ChunkBytes];
        uint perChunk = (uint)(ChunkBytes / pageSize);
        for (uint first = 1; first <= pageCount; first += perChunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(perChunk, pageCount - first + 1);
            Span<byte> pages = chunk.AsSpan(0, count * pageSize);
            read(first, pages);
            md5.AppendData(pages);
            for (int i = 0; i < count; i++)
            {
                checksums[first + i - 1] = PageChecksum.Compute(first + (uint)i, pages.Slice(i * pageSize, pageSize));
            }
        }

        return new ImageDigest(Convert.ToHexStringLower(md5.GetHashAndReset()), checksums);
    }
}
