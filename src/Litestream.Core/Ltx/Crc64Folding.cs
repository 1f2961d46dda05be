using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace Litestream.Ltx;

/// <summary>
/// CRC-64/GO-ISO by carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ",
/// Intel 2009). A 128-bit piece of the message that stands d bits before another can be replaced by its product with
/// x^d modulo the polynomial, added to that other piece. Four pieces go side by side so that the multiplier is never idle.
/// </summary>
internal static class Crc64Folding
{
    /// <summary>Pieces shorter than this (in bytes) are as quick by table.</summary>
    internal const int MinLength = 64;

    private const int Lane = 16;
    private const int Block = 4 * Lane;

    // A reflected product comes out one bit low, hence the exponents less by one. Element 0 is for the half that comes first.
    private static readonly Vector128<ulong> OverLane = Vector128.Create(PowerOfX(128 + 63), PowerOfX(127));
    private static readonly Vector128<ulong> OverBlock = Vector128.Create(PowerOfX(512 + 63), PowerOfX(511));

    /// <summary>Whether this processor has the instruction.</summary>
    internal static bool IsSupported => BitConverter.IsLittleEndian && (Pclmulqdq.IsSupported || ArmAes.IsSupported);

    /// <summary>Takes the register (preset, not inverted) over at least <see cref="MinLength"/> bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static ulong Update(ulong register, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes.Length, MinLength);
        ref byte source = ref MemoryMarshal.GetReference(bytes);
        nuint length = (nuint)bytes.Length;
        nuint at = Block;

        Vector128<ulong> x0 = Load(ref source, 0) ^ Vector128.CreateScalar(register);
        Vector128<ulong> x1 = Load(ref source, Lane);
        Vector128<ulong> x2 = Load(ref source, 2 * Lane);
        Vector128<ulong> x3 = Load(ref source, 3 * Lane);
        Vector128<ulong> over = OverBlock;
        for (; at + Block <= length; at += Block)
        {
            x0 = Fold(x0, over) ^ Load(ref source, at);
            x1 = Fold(x1, over) ^ Load(ref source, at + Lane);
            x2 = Fold(x2, over) ^ Load(ref source, at + (2 * Lane));
            x3 = Fold(x3, over) ^ Load(ref source, at + (3 * Lane));
        }

        over = OverLane;
        x0 = Fold(Fold(Fold(x0, over) ^ x1, over) ^ x2, over) ^ x3;
        for (; at + Lane <= length; at += Lane)
        {
            x0 = Fold(x0, over) ^ Load(ref source, at);
        }

        // What is left is a message of 16 bytes with the same remainder.
        register = Crc64Table.Step(Crc64Table.Step(0, x0.GetElement(0)), x0.GetElement(1));
        return Crc64Table.Update(register, bytes[(int)at..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte source, nuint at) => Vector128.LoadUnsafe(ref source, at).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Fold(Vector128<ulong> value, Vector128<ulong> over) => Pclmulqdq.IsSupported
        ? Pclmulqdq.CarrylessMultiply(value, over, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, over, 0x11)
        : ArmAes.PolynomialMultiplyWideningLower(value.GetLower(), over.GetLower())
            ^ ArmAes.PolynomialMultiplyWideningUpper(value, over);

    private static ulong PowerOfX(int exponent)
    {
        ulong power = 1UL << 63;
        for (int i = 0; i < exponent; i++)
        {
            power = Crc64Table.TimesX(power);
        }

        return power;
    }
}
