using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Litestream.Ltx;

/// <summary>
/// Compresses a page into a raw LZ4 block (github.com/lz4/lz4, doc/lz4_Block_format.md), as the fast level of any LZ4 does: a hash table of
/// what stood where, the first match that it gives, and larger steps the longer none is found. It is made for pages of a few kilobytes: its table
/// takes 8 KiB instead of 16, and like <see cref="Lz4Block"/> it is optimised when it is first called.
/// </summary>
internal static unsafe class Lz4BlockEncoder
{
    private const int MinMatch = 4;
    private const int LongLength = 15;

    // The format's end: the last five bytes are literals, and the last match begins twelve bytes before the end or earlier.
    private const int LastLiterals = 5;
    private const int MatchLimit = 12;

    // Positions in a page, at most 64 KiB, fit into 16 bits.
    private const int TableBits = 12;

    // So many misses, and the step grows by one.
    private const int MissesForStep = 6; // as a power of two

    /// <summary>Compresses.</summary>
    /// <param name="page">1 to 65536 bytes.</param>
    /// <param name="block">Takes the block; <see cref="LtxPageFormat.MaxBlockLength"/> bytes at least.</param>
    /// <returns>Its length.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Encode(ReadOnlySpan<byte> page, Span<byte> block)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(page.Length, LtxHeader.MaxPageSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(block.Length, LtxPageFormat.MaxBlockLength(page.Length));
        ushort* table = stackalloc ushort[1 << TableBits]; // zeros: the first byte is as good a guess as any
        fixed (byte* start = page, blockStart = block)
        {
            byte* end = start + page.Length;
            byte* limit = end - MatchLimit;
            byte* literals = start;
            byte* at = start + 1;
            byte* to = blockStart;
            while (TryFindMatch(ref at, out byte* match, start, limit, table))
            {
                while (at > literals && match > start && at[-1] == match[-1])
                {
                    at--;
                    match--;
                }

                byte* token = to;
                to = WriteLiterals(to, literals, (int)(at - literals));
                while (true)
                {
                    Unsafe.WriteUnaligned(to, LittleEndian((ushort)(at - match)));
                    int length = MatchLength(at + MinMatch, match + MinMatch, end - LastLiterals);
                    to = WriteMatchLength(token, to + sizeof(ushort), length);
                    at += MinMatch + length;
                    literals = at;
                    if (at >= limit)
                    {
                        break;
                    }

                    table[Hash(at - 2)] = (ushort)(at - 2 - start);
                    match = Exchange(table, at, start);
                    if (!IsMatch(match, at))
                    {
                        break;
                    }

                    token = to++;
                    *token = 0; // no literals between the two
                }

                at++;
            }

            return (int)(WriteLastLiterals(to, literals, (int)(end - literals)) - blockStart);
        }
    }

    // From a position on, the next one whose four bytes stood somewhere before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryFindMatch(ref byte* at, out byte* match, byte* start, byte* limit, ushort* table)
    {
        int misses = 1 << MissesForStep;
        for (byte* here = at; here < limit; here += misses++ >> MissesForStep)
        {
            match = Exchange(table, here, start);
            if (IsMatch(match, here))
            {
                at = here;
                return true;
            }
        }

        match = null;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMatch(byte* a, byte* b) => Unsafe.ReadUnaligned<uint>(a) == Unsafe.ReadUnaligned<uint>(b);

    // What the table has for the bytes at a position; it has the position from now on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Exchange(ushort* table, byte* at, byte* start)
    {
        uint hash = Hash(at);
        byte* before = start + table[hash];
        table[hash] = (ushort)(at - start);
        return before;
    }

    // Of five bytes, as LZ4 does on 64 bits (the factor is a prime): fewer chance matches than of four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(byte* at) => (uint)(((Unsafe.ReadUnaligned<ulong>(at) << 24) * 889523592379UL) >> (64 - TableBits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int MatchLength(byte* at, byte* match, byte* end)
    {
        byte* start = at;
        for (; at + sizeof(ulong) <= end; at += sizeof(ulong), match += sizeof(ulong))
        {
            ulong difference = Unsafe.ReadUnaligned<ulong>(at) ^ Unsafe.ReadUnaligned<ulong>(match);
            if (difference != 0)
            {
                int same = BitConverter.IsLittleEndian ? BitOperations.TrailingZeroCount(difference) : BitOperations.LeadingZeroCount(difference);
                return (int)(at - start) + (same / 8);
            }
        }

        while (at < end && *at == *match)
        {
            at++;
            match++;
        }

        return (int)(at - start);
    }

    // Eight bytes at a time: behind the literals there are twelve bytes more to read, and room for as many to write.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteLiterals(byte* to, byte* literals, int length)
    {
        to = WriteLiteralLength(to, length);
        for (int i = 0; i < length; i += sizeof(ulong))
        {
            Unsafe.WriteUnaligned(to + i, Unsafe.ReadUnaligned<ulong>(literals + i));
        }

        return to + length;
    }

    private static byte* WriteLastLiterals(byte* to, byte* literals, int length)
    {
        to = WriteLiteralLength(to, length);
        Unsafe.CopyBlockUnaligned(to, literals, (uint)length);
        return to + length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteLiteralLength(byte* to, int length)
    {
        if (length < LongLength)
        {
            *to = (byte)(length << 4);
            return to + 1;
        }

        *to = LongLength << 4;
        return WriteMore(to + 1, length - LongLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteMatchLength(byte* token, byte* to, int length)
    {
        if (length < LongLength)
        {
            *token |= (byte)length;
            return to;
        }

        *token |= LongLength;
        return WriteMore(to, length - LongLength);
    }

    private static byte* WriteMore(byte* to, int length)
    {
        for (; length >= 255; length -= 255)
        {
            *to++ = 255;
        }

        *to = (byte)length;
        return to + 1;
    }

    private static ushort LittleEndian(ushort value) => BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
}
