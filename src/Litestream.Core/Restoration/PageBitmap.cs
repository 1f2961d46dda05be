using System.Numerics;

namespace Litestream.Restoration;

/// <summary>Which pages of a database have been written: one bit a page.</summary>
/// <param name="pageCount">Pages of the database.</param>
internal sealed class PageBitmap(uint pageCount)
{
    private readonly ulong[] _bits = new ulong[(pageCount / 64) + 1];

    /// <summary>How many are set.</summary>
    internal uint Count { get; private set; }

    /// <summary>Sets a page; false if it was set before.</summary>
    /// <param name="pageNumber">1 to the number of pages.</param>
    internal bool TrySet(uint pageNumber)
    {
        ref ulong word = ref _bits[(pageNumber - 1) / 64];
        ulong bit = 1UL << (int)((pageNumber - 1) % 64);
        if ((word & bit) != 0)
        {
            return false;
        }

        word |= bit;
        Count++;
        return true;
    }

    /// <summary>The first page that is not set, other than the lock page.</summary>
    /// <param name="lockPage">Its number.</param>
    internal uint FirstMissing(uint lockPage)
    {
        for (uint word = 0; word < _bits.Length; word++)
        {
            ulong missing = ~_bits[word];
            if ((lockPage - 1) / 64 == word)
            {
                missing &= ~(1UL << (int)((lockPage - 1) % 64));
            }

            if (missing != 0)
            {
                return (word * 64) + (uint)BitOperations.TrailingZeroCount(missing) + 1;
            }
        }

        return pageCount + 1;
    }
}
