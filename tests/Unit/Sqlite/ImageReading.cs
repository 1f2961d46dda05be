using Litestream.Sqlite;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>Reads whole images in tests.</summary>
internal static class ImageReading
{
    /// <summary>Every page, in pieces of a few pages.</summary>
    public static byte[] ReadAll(PinnedImage image, int piece = 7)
    {
        int pageSize = image.Position.PageSize;
        byte[] bytes = new byte[image.Position.PageCount * pageSize];
        for (uint first = 1; first <= image.Position.PageCount; first += (uint)piece)
        {
            int start = (int)(first - 1) * pageSize;
            image.ReadPages(first, bytes.AsSpan(start, Math.Min(piece * pageSize, bytes.Length - start)));
        }

        return bytes;
    }
}
