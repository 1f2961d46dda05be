using System.Buffers.Binary;
using System.Security.Cryptography;

#pragma warning disable CA5351 // to tell images apart, as people do who check by hand; no secret depends on it

namespace Litestream.Tests.Soak;

/// <summary>What is kept of a database image: the MD5 of the whole, and a short one of each page to name those that differ.</summary>
/// <param name="Md5">Hexadecimal.</param>
/// <param name="PageSize">Bytes.</param>
/// <param name="Pages">The first 8 bytes of each page's MD5.</param>
internal sealed record ImageDigest(string Md5, int PageSize, ulong[] Pages)
{
    private const int PageSizeOffset = 16;
    private const int HeaderSize = 100;

    /// <summary>Digests an image.</summary>
    public static ImageDigest Of(ReadOnlySpan<byte> image)
    {
        int pageSize = image.Length < HeaderSize ? 0 : BinaryPrimitives.ReadUInt16BigEndian(image[PageSizeOffset..]);
        pageSize = pageSize == 1 ? 65536 : Math.Max(pageSize, 512);
        ulong[] pages = new ulong[(image.Length + pageSize - 1) / pageSize];
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
        for (int i = 0; i < pages.Length; i++)
        {
            MD5.HashData(image.Slice(i * pageSize, Math.Min(pageSize, image.Length - (i * pageSize))), hash);
            pages[i] = BinaryPrimitives.ReadUInt64BigEndian(hash);
        }

        return new ImageDigest(Convert.ToHexStringLower(MD5.HashData(image)), pageSize, pages);
    }

    /// <summary>Numbers of the pages that are not the same, or are in one image alone.</summary>
    public IReadOnlyList<uint> Differences(ImageDigest other)
    {
        List<uint> different = [];
        for (int i = 0; i < Math.Max(Pages.Length, other.Pages.Length); i++)
        {
            if (i >= Pages.Length || i >= other.Pages.Length || Pages[i] != other.Pages[i])
            {
                different.Add((uint)i + 1);
            }
        }

        return different;
    }
}
