using System.Runtime.CompilerServices;

namespace Litestream.Ltx;

/// <summary>
/// CRC-64/GO-ISO, the checksum of replica files: polynomial x^64 + x^4 + x^3 + x + 1, reflected, register preset to ones and
/// inverted at the end (Go's <c>hash/crc64</c>, table <c>ISO</c>). The check value of "123456789" is b90956c775a41001.
/// It is not CRC-64/ECMA-182. A default value is the start state.
/// </summary>
public struct Crc64
{
    // Equal to the finished checksum of all bytes so far, so that the default value is the right start.
    private ulong _value;

    /// <summary>The checksum of everything appended so far.</summary>
    public readonly ulong Value => _value;

    /// <summary>Appends bytes. Any division into pieces gives the same value.</summary>
    /// <param name="bytes">The next bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(ReadOnlySpan<byte> bytes)
    {
        ulong register = ~_value;
        register = bytes.Length >= Crc64Folding.MinLength && Crc64Folding.IsSupported
            ? Crc64Folding.Update(register, bytes)
            : Crc64Table.Update(register, bytes);
        _value = ~register;
    }

    /// <summary>Appends a piece whose checksum is known, as if its bytes were appended.</summary>
    /// <param name="piece">The checksum of the piece alone.</param>
    /// <param name="length">Its length in bytes.</param>
    public void Append(Crc64 piece, long length) => _value = Crc64Table.Shift(_value, length) ^ piece._value;

    /// <summary>The checksum of one piece.</summary>
    /// <param name="bytes">The bytes.</param>
    public static ulong Compute(ReadOnlySpan<byte> bytes)
    {
        Crc64 crc = default;
        crc.Append(bytes);
        return crc.Value;
    }
}
