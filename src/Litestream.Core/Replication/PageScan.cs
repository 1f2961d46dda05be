using Litestream.Ltx;
using Litestream.Sqlite;
using Litestream.State;

namespace Litestream.Replication;

/// <summary>
/// Compares every page of a pinned image with the page checksum table, in large sequential reads, and gives those that differ.
/// A page behind the end that the table knows always differs.
/// </summary>
/// <param name="image">The image, of the table's page size.</param>
/// <param name="table">The table, brought up to the last transaction captured.</param>
/// <param name="knownPages">Size of the database in pages at that transaction.</param>
internal sealed class PageScan(PinnedImage image, PageChecksumTable table, uint knownPages)
{
    private const int ChunkBytes = 1 << 20;

    private readonly int _pageSize = image.Position.PageSize;
    private readonly uint _pageCount = image.Position.PageCount;
    private readonly uint _lockPage = LockPage.Number(image.Position.PageSize);
    private readonly byte[] _pages = new byte[ChunkBytes];
    private readonly ulong[] _known = new ulong[ChunkBytes / image.Position.PageSize];
    private uint _chunkStart = 1;

    /// <summary>Reads up to the first chunk with a difference. False if the image is what the table knows.</summary>
    public bool FindFirstDifference()
    {
        if (_pageCount != knownPages)
        {
            return true;
        }

        for (; _chunkStart <= _pageCount; _chunkStart += (uint)_known.Length)
        {
            int count = ReadChunk(_chunkStart);
            for (int i = 0; i < count; i++)
            {
                if (Differs(_chunkStart + (uint)i, i))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Gives every page that differs, in ascending order, from the chunk on that <see cref="FindFirstDifference"/> stopped at.</summary>
    /// <param name="write">Takes page number and page. The page is only valid during the call.</param>
    public void WriteDifferences(Action<uint, ReadOnlySpan<byte>> write)
    {
        bool resized = _pageCount != knownPages;
        for (uint start = _chunkStart; start <= _pageCount; start += (uint)_known.Length)
        {
            int count = ReadChunk(start);
            for (int i = 0; i < count; i++)
            {
                uint page = start + (uint)i;
                if (Differs(page, i) || (page == 1 && resized))
                {
                    write(page, _pages.AsSpan(i * _pageSize, _pageSize));
                }
            }
        }
    }

    private int ReadChunk(uint start)
    {
        int count = (int)Math.Min(_known.Length, _pageCount - start + 1);
        image.ReadPages(start, _pages.AsSpan(0, count * _pageSize));
        table.ReadRange(start, _known.AsSpan(0, count));
        return count;
    }

    private bool Differs(uint page, int index) =>
        page != _lockPage
        && (page > knownPages || PageChecksum.Compute(page, _pages.AsSpan(index * _pageSize, _pageSize)) != _known[index]);
}
