using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Litestream.Ltx;

/// <summary>
/// Decompresses the raw LZ4 block of a page (github.com/lz4/lz4, doc/lz4_Block_format.md). K4os.Compression.LZ4 does the same and is what the
/// tests compare it with; but most restores are over before the runtime has optimised that code, and this is optimised when it is first called.
/// </summary>
internal static unsafe class Lz4Block
{
    private const int MinMatch = 4;

    // The format's end: the last five bytes are literals, and the last match begins twelve bytes before the end or earlier.
    private const int LastLiterals = 5;
    private const int MatchLimit = 12;

    private const uint LongLength = 15;
    // Room for literals and match of a token without further bytes, in whole words: nearly all tokens have it.
    private const int Ample = 64;
    private const int Word = 16; // bytes of a Vector128

    /// <summary>Decompresses a block that must fill the page exactly.</summary>
    /// <param name="source">The block. Untrusted.</param>
    /// <param name="page">Filled whole; of no use if this fails.</param>
    /// <returns>Whether the block keeps to the format and has the right length.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> page)
    {
        fixed (byte* sourceStart = source, pageStart = page)
        {
            byte* from = sourceStart;
            byte* fromEnd = sourceStart + source.Length;
            byte* to = pageStart;
            byte* toEnd = pageStart + page.Length;
            while (from < fromEnd)
            {
                uint token = *from++;
                nint literals = (nint)(token >> 4);
                bool ample = literals < LongLength && fromEnd - from >= Ample && toEnd - to >= Ample;
                if (ample)
                {
                    Vector128.Load(from).Store(to);
                }
                else
                {
                    if (literals == LongLength && !TryReadLength(ref from, fromEnd, ref literals))
                    {
                        return false;
                    }

                    if (literals > fromEnd - from || literals > toEnd - to)
                    {
                        return false;
                    }

                    Copy(from, to, literals, Math.Min(fromEnd - from, toEnd - to));
                }

                from += literals;
                to += literals;
                if (!ample && (toEnd - to < MatchLimit || fromEnd - from < sizeof(ushort) + 1 + LastLiterals))
                {
                    return from == fromEnd && to == toEnd;
                }

                nint distance = from[0] | (from[1] << 8);
                from += sizeof(ushort);
                nint match = (nint)(token & LongLength);
                if (distance == 0 || distance > to - pageStart)
                {
                    return false;
                }

                if (ample && match < LongLength && distance >= sizeof(ulong))
                {
                    CopyShortMatch(to - distance, to);
                    to += match + MinMatch;
                    continue;
                }

                if (match == LongLength && !TryReadLength(ref from, fromEnd, ref match))
                {
                    return false;
                }

                match += MinMatch;
                if (match > toEnd - to - LastLiterals)
                {
                    return false;
                }

                CopyMatch(to, distance, match, toEnd - to);
                to += match;
            }

            return false;
        }
    }

    // A length of 15 goes on in bytes that are added up, until one is not 255.
    private static bool TryReadLength(ref byte* from, byte* fromEnd, ref nint length)
    {
        byte more;
        do
        {
            if (from == fromEnd)
            {
                return false;
            }

            more = *from++;
            length += more;
        }
        while (more == 255);
        return true;
    }

    // Copies whole words where there is room for the excess, which what follows overwrites.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(byte* from, byte* to, nint length, long room)
    {
        if (length + Word > room)
        {
            Unsafe.CopyBlockUnaligned(to, from, (uint)length);
            return;
        }

        for (nint i = 0; i < length; i += Word)
        {
            Vector128.Load(from + i).Store(to + i);
        }
    }

    // Up to 18 bytes, eight at a time: a match that reaches into itself by eight bytes or more reads what was written before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyShortMatch(byte* from, byte* to)
    {
        Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<ulong>(from));
        Unsafe.WriteUnaligned(to + sizeof(ulong), Unsafe.ReadUnaligned<ulong>(from + sizeof(ulong)));
        Unsafe.WriteUnaligned(to + (2 * sizeof(ulong)), Unsafe.ReadUnaligned<ushort>(from + (2 * sizeof(ulong))));
    }

    // A match may reach into itself: then what it repeats comes again every `distance` bytes, so also every multiple of that.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyMatch(byte* to, nint distance, nint length, long room)
    {
        if (distance >= Word)
        {
            if (length + Word <= room)
            {
                Copy(to - distance, to, length, room);
                return;
            }
        }

        CopyOverlapping(to, distance, length, room);
    }

    private static void CopyOverlapping(byte* to, nint distance, nint length, long room)
    {
        if (distance == 1)
        {
            Unsafe.InitBlockUnaligned(to, to[-1], (uint)length);
            return;
        }

        nint step = distance;
        while (step < sizeof(ulong))
        {
            step += distance;
        }

        nint i = 0;
        for (; i < length && i < step; i++)
        {
            to[i] = to[i - distance];
        }

        for (; i + sizeof(ulong) <= length; i += sizeof(ulong))
        {
            Unsafe.WriteUnaligned(to + i, Unsafe.ReadUnaligned<ulong>(to + i - step));
        }

        for (; i < length; i++)
        {
            to[i] = to[i - distance];
        }
    }
}
