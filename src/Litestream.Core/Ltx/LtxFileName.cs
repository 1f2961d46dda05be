using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Litestream.Ltx;

/// <summary>
/// The name of a replica file: the range of transaction ids that it holds, as <c>%016x-%016x.ltx</c> in lower-case hex.
/// </summary>
/// <param name="MinTxid">The first transaction id, 1 or more.</param>
/// <param name="MaxTxid">The last transaction id, at least <paramref name="MinTxid"/>.</param>
public readonly record struct LtxFileName(ulong MinTxid, ulong MaxTxid) : IComparable<LtxFileName>
{
    /// <summary>The level of full images. Level 0 holds what was captured, levels 1 to 8 are merges of the level below.</summary>
    public const int SnapshotLevel = 9;

    private const int HexDigits = 16;
    private const string Extension = ".ltx";
    private const int Length = HexDigits + 1 + HexDigits + 4;

    /// <summary>Reads a name; false for anything that is not exactly of this form, so that foreign files are passed over.</summary>
    /// <param name="name">The last part of a path or key.</param>
    /// <param name="result">The range, if it is a replica file's name.</param>
    public static bool TryParse([NotNullWhen(true)] string? name, out LtxFileName result)
    {
        result = default;
        if (name is null || name.Length != Length || name[HexDigits] != '-' || !name.EndsWith(Extension, StringComparison.Ordinal))
        {
            return false;
        }

        if (!TryParseHex(name.AsSpan(0, HexDigits), out ulong min)
            || !TryParseHex(name.AsSpan(HexDigits + 1, HexDigits), out ulong max)
            || min == 0
            || max < min)
        {
            return false;
        }

        result = new LtxFileName(min, max);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(LtxFileName other)
    {
        int order = MinTxid.CompareTo(other.MinTxid);
        return order != 0 ? order : MaxTxid.CompareTo(other.MaxTxid);
    }

    /// <summary>The file name.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{MinTxid:x16}-{MaxTxid:x16}.ltx");

    private static bool TryParseHex(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        foreach (char c in text)
        {
            int digit = c switch
            {
                >= '0' and <= '9' => c - '0',
                >= 'a' and <= 'f' => c - 'a' + 10,
                _ => -1,
            };
            if (digit < 0)
            {
                return false;
            }

            value = (value << 4) | (uint)digit;
        }

        return true;
    }

    /// <summary>Orders by first, then by last transaction id.</summary>
    public static bool operator <(LtxFileName left, LtxFileName right) => left.CompareTo(right) < 0;

    /// <summary>Orders by first, then by last transaction id.</summary>
    public static bool operator <=(LtxFileName left, LtxFileName right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by first, then by last transaction id.</summary>
    public static bool operator >(LtxFileName left, LtxFileName right) => left.CompareTo(right) > 0;

    /// <summary>Orders by first, then by last transaction id.</summary>
    public static bool operator >=(LtxFileName left, LtxFileName right) => left.CompareTo(right) >= 0;
}
