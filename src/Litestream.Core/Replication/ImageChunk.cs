using Litestream.Ltx;
using Litestream.Sqlite;
using Litestream.State;

namespace Litestream.Replication;

/// <summary>
/// A run of pages of an image on their way into a replica file: read by one thread, hashed and compressed by several, which is nearly all that an
/// image costs, and written in order by one again. Its buffers are used again for each run.
/// </summary>
internal sealed class ImageChunk
{
    private const int Bytes = 1 << 20;
    private const int MaxThreads = 4;

    private static readonly int Threads = Math.Min(Environment.ProcessorCount, MaxThreads);

    private readonly int _pageSize;
    private readonly uint _lockPage;
    private readonly int _room;
    private readonly byte[] _pages = new byte[Bytes];
    private readonly ulong[] _checksums;
    private readonly ulong[] _known;
    private readonly byte[] _encoded;
    private readonly int[] _lengths; // 0 for a page that is left out
    private uint _first;
    private int _count;

    /// <summary>Makes the buffers.</summary>
    /// <param name="pageSize">Page size in bytes.</param>
    public ImageChunk(int pageSize)
    {
        _pageSize = pageSize;
        _lockPage = LockPage.Number(pageSize);
        _room = LtxEncoder.MaxEncodedLength(pageSize);
        Capacity = Bytes / pageSize;
        _checksums = new ulong[Capacity];
        _known = new ulong[Capacity];
        _lengths = new int[Capacity];
        _encoded = new byte[Capacity * _room];
    }

    /// <summary>Most pages that it takes.</summary>
    public int Capacity { get; }

    /// <summary>How many pages were read.</summary>
    public int Count => _count;

    /// <summary>Checksums of the pages read; 0 for the lock page.</summary>
    public ReadOnlySpan<ulong> Checksums => _checksums.AsSpan(0, _count);

    /// <summary>Reads pages and compresses those that are to be sent.</summary>
    /// <param name="image">The image.</param>
    /// <param name="first">First page.</param>
    /// <param name="count">How many, up to <see cref="Capacity"/>.</param>
    /// <param name="known">Where not null: only pages that differ from this table are sent, and page 1, so that a file holds one at least.</param>
    public void Read(PinnedImage image, uint first, int count, PageChecksumTable? known)
    {
        (_first, _count) = (first, count);
        image.ReadPages(first, _pages.AsSpan(0, count * _pageSize));
        known?.ReadRange(first, _known.AsSpan(0, count));
        uint knownPages = known?.PageCount ?? 0;
        int each = (count + Threads - 1) / Threads;
        Parallel.For(0, Threads, part =>
        {
            for (int i = part * each; i < Math.Min(count, (part + 1) * each); i++)
            {
                Encode(i, knownPages);
            }
        });
    }

    /// <summary>Writes what is to be sent.</summary>
    /// <param name="encoder">Takes the pages, in order.</param>
    public void WriteTo(LtxEncoder encoder)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_lengths[i] > 0)
            {
                encoder.WriteEncodedPage(_first + (uint)i, _pages.AsSpan(i * _pageSize, _pageSize), _encoded.AsSpan(i * _room, _lengths[i]));
            }
        }
    }

    private void Encode(int index, uint knownPages)
    {
        uint page = _first + (uint)index;
        if (page == _lockPage)
        {
            (_checksums[index], _lengths[index]) = (0, 0);
            return;
        }

        ReadOnlySpan<byte> content = _pages.AsSpan(index * _pageSize, _pageSize);
        _checksums[index] = PageChecksum.Compute(page, content);
        bool sent = page == 1 || page > knownPages || _checksums[index] != _known[index];
        _lengths[index] = sent ? LtxEncoder.EncodePage(page, content, _encoded.AsSpan(index * _room, _room)) : 0;
    }
}
