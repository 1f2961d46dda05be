using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Litestream.Ltx;
using Litestream.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Verification;

/// <summary>
/// A database image reduced to the SHA-256 of each megabyte, which proves equality and can be computed on all cores, and to one checksum a
/// page, which names the pages that differ.
/// </summary>
internal sealed class ImageDigest
{
    private const int ChunkBytes = 1 << 20;
    private const int MaxThreads = 8;

    private readonly int _pageSize;
    private readonly ulong[] _pages;
    private readonly byte[] _chunks;

    private ImageDigest(int pageSize, uint pageCount)
    {
        _pageSize = pageSize;
        _pages = new ulong[pageCount];
        _chunks = new byte[SHA256.HashSizeInBytes * (((long)pageCount * pageSize + ChunkBytes - 1) / ChunkBytes)];
    }

    private int ChunkCount => _chunks.Length / SHA256.HashSizeInBytes;

    /// <summary>Reads a pinned image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The digest, and the MD5 of all bytes in lower-case hex.</returns>
    public static (ImageDigest Digest, string Md5) OfLive(PinnedImage image, CancellationToken cancellationToken)
    {
        var digest = new ImageDigest(image.Position.PageSize, image.Position.PageCount);
        using IncrementalHash md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        byte[] bytes = new byte[ChunkBytes];
        for (int chunk = 0; chunk < digest.ChunkCount; chunk++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Memory<byte> pages = bytes.AsMemory(0, digest.LengthOf(chunk));
            image.ReadPages((uint)digest.PagesBefore(chunk) + 1, pages.Span);

            // MD5 takes one byte after the other, and longer than all the rest, which another core can do beside it.
            Parallel.Invoke(() => md5.AppendData(pages.Span), () => digest.Add(chunk, pages.Span));
        }

        return (digest, Convert.ToHexStringLower(md5.GetHashAndReset()));
    }

    /// <summary>Reads a database file that nobody writes to, on all cores.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="pageSize">Page size in bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ImageDigest> OfFileAsync(string path, int pageSize, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        var digest = new ImageDigest(pageSize, (uint)(RandomAccess.GetLength(file) / pageSize));
        ParallelOptions threads = new() { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MaxThreads), CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, digest.ChunkCount, threads, (chunk, _) =>
        {
            byte[] bytes = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            Span<byte> pages = bytes.AsSpan(0, digest.LengthOf(chunk));
            ReadExactly(file, pages, (long)chunk * ChunkBytes);
            digest.Add(chunk, pages);
            ArrayPool<byte>.Shared.Return(bytes);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return digest;
    }

    /// <summary>The MD5 of a database file that nobody writes to, in lower-case hex.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static string Md5OfFile(string path, CancellationToken cancellationToken)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        using IncrementalHash md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        byte[] bytes = new byte[ChunkBytes];
        while (file.Read(bytes) is > 0 and int read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            md5.AppendData(bytes.AsSpan(0, read));
        }

        return Convert.ToHexStringLower(md5.GetHashAndReset());
    }

    /// <summary>Whether two images are the same, byte for byte.</summary>
    /// <param name="other">The other image.</param>
    public bool IsSameAs(ImageDigest other) =>
        _pageSize == other._pageSize && _pages.Length == other._pages.Length && _chunks.AsSpan().SequenceEqual(other._chunks);

    /// <summary>Says in a clause where two images differ.</summary>
    /// <param name="other">The other image.</param>
    /// <param name="most">How many pages to name.</param>
    public string DescribeDifference(ImageDigest other, int most)
    {
        List<int> pages = [.. Enumerable.Range(0, Math.Min(_pages.Length, other._pages.Length)).Where(i => _pages[i] != other._pages[i])];
        string size = _pages.Length == other._pages.Length
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $"it has {other._pages.Length} pages instead of {_pages.Length}; ");
        string named = string.Join(", ", pages.Take(most).Select(page => (page + 1).ToString(CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"{size}{pages.Count} pages differ{(pages.Count > 0 ? $" ({named}{(pages.Count > most ? ", …" : "")})" : "")}");
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            int read = RandomAccess.Read(file, bytes, offset);
            if (read == 0)
            {
                throw new EndOfStreamException("The restored file became shorter while it was read.");
            }

            bytes = bytes[read..];
            offset += read;
        }
    }

    // Chunks of one image may be added at once.
    private void Add(int chunk, ReadOnlySpan<byte> pages)
    {
        SHA256.HashData(pages, _chunks.AsSpan(chunk * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes));
        long first = PagesBefore(chunk);
        for (int i = 0; i < pages.Length / _pageSize; i++)
        {
            _pages[first + i] = PageChecksum.Compute((uint)(first + i) + 1, pages.Slice(i * _pageSize, _pageSize));
        }
    }

    private long PagesBefore(int chunk) => (long)chunk * (ChunkBytes / _pageSize);

    private int LengthOf(int chunk) => (int)Math.Min(ChunkBytes, ((long)_pages.Length * _pageSize) - ((long)chunk * ChunkBytes));
}
