namespace Litestream.Restoration;

/// <summary>Pages on their way from the decoder to the file, about a megabyte of them.</summary>
internal sealed class PageBatch
{
    private const int Length = 1024 * 1024;

    private readonly byte[] _pages;
    private readonly uint[] _numbers;
    private readonly int _pageSize;

    /// <summary>Makes an empty one.</summary>
    /// <param name="pageSize">Page size in bytes.</param>
    internal PageBatch(int pageSize)
    {
        _pageSize = pageSize;
        _numbers = new uint[Length / pageSize];
        _pages = GC.AllocateUninitializedArray<byte>(Length);
    }

    /// <summary>Pages in it.</summary>
    internal int Count { get; private set; }

    /// <summary>No page fits in any more.</summary>
    internal bool IsFull => Count == _numbers.Length;

    /// <summary>Room for the next page, to be decoded into.</summary>
    internal Memory<byte> Next => _pages.AsMemory(Count * _pageSize, _pageSize);

    /// <summary>Keeps what was decoded into <see cref="Next"/>.</summary>
    /// <param name="pageNumber">The page's number.</param>
    internal void Keep(uint pageNumber) => _numbers[Count++] = pageNumber;

    /// <summary>Makes it empty.</summary>
    internal void Clear() => Count = 0;

    /// <summary>A page's number.</summary>
    /// <param name="index">0 to <see cref="Count"/> less one.</param>
    internal uint Number(int index) => _numbers[index];

    /// <summary>Some pages.</summary>
    /// <param name="index">The first.</param>
    /// <param name="count">How many.</param>
    internal ReadOnlySpan<byte> Pages(int index, int count) => _pages.AsSpan(index * _pageSize, count * _pageSize);
}
