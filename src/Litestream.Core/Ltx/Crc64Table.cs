using System.Buffers.Binary;

namespace Litestream.Ltx;

/// <summary>CRC-64/GO-ISO by tables, eight bytes a step: for short pieces, and for processors without a carry-less multiply.</summary>
internal static class Crc64Table
{
    /// <summary>The reflected polynomial: bit 63 is the coefficient of x^0.</summary>
    internal const ulong Polynomial = 0xD800000000000000;

    private const int Slices = 8;

    // Tables[256 * k + b]: what byte b does to the register when k more bytes follow it in the step.
    private static readonly ulong[] Tables = MakeTables();

    private static readonly ulong[] Shifts = MakeShifts();

    /// <summary>Takes the register (preset, not inverted) over some bytes.</summary>
    internal static ulong Update(ulong register, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            register = Step(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        ReadOnlySpan<ulong> table = Tables;
        foreach (byte b in bytes)
        {
            register = table[(byte)(register ^ b)] ^ (register >> 8);
        }

        return register;
    }

    /// <summary>Takes the register over eight bytes, the first of them lowest in <paramref name="word"/>.</summary>
    internal static ulong Step(ulong register, ulong word)
    {
        ReadOnlySpan<ulong> table = Tables;
        ulong x = register ^ word;
        return table[(7 * 256) + (int)(x & 0xFF)]
            ^ table[(6 * 256) + (int)((x >> 8) & 0xFF)]
            ^ table[(5 * 256) + (int)((x >> 16) & 0xFF)]
            ^ table[(4 * 256) + (int)((x >> 24) & 0xFF)]
            ^ table[(3 * 256) + (int)((x >> 32) & 0xFF)]
            ^ table[(2 * 256) + (int)((x >> 40) & 0xFF)]
            ^ table[256 + (int)((x >> 48) & 0xFF)]
            ^ table[(int)(x >> 56)];
    }

    private static ulong[] MakeTables()
    {
        var tables = new ulong[Slices * 256];
        for (int b = 0; b < 256; b++)
        {
            ulong register = (ulong)b;
            for (int bit = 0; bit < 8; bit++)
            {
                register = TimesX(register);
            }

            tables[b] = register;
        }

        for (int i = 256; i < tables.Length; i++)
        {
            ulong previous = tables[i - 256];
            tables[i] = tables[(byte)previous] ^ (previous >> 8);
        }

        return tables;
    }

    /// <summary>Multiplies a reflected polynomial by x, modulo the CRC's polynomial.</summary>
    internal static ulong TimesX(ulong value) => (value >> 1) ^ ((value & 1) != 0 ? Polynomial : 0);

    /// <summary>Multiplies by x^8 for each of so many bytes: what that many zero bytes do to a register that is neither preset nor inverted.</summary>
    /// <param name="value">A reflected polynomial.</param>
    /// <param name="length">How many bytes, 0 or more.</param>
    internal static ulong Shift(ulong value, long length)
    {
        for (int i = 0; length != 0; i++, length >>= 1)
        {
            value = (length & 1) != 0 ? Multiply(value, Shifts[i]) : value;
        }

        return value;
    }

    // Element i: x^(8 * 2^i).
    private static ulong[] MakeShifts()
    {
        var shifts = new ulong[64];
        shifts[0] = 1UL << (63 - 8);
        for (int i = 1; i < shifts.Length; i++)
        {
            shifts[i] = Multiply(shifts[i - 1], shifts[i - 1]);
        }

        return shifts;
    }

    private static ulong Multiply(ulong a, ulong b)
    {
        ulong product = 0;
        for (; a != 0; a <<= 1)
        {
            product ^= (a >> 63) != 0 ? b : 0;
            b = TimesX(b);
        }

        return product;
    }
}
