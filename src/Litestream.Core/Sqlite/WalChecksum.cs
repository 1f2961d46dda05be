using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Litestream.Sqlite;

/// <summary>
/// The cumulative checksum of a WAL (walChecksumBytes in wal.c): two words, fed by pairs of 32-bit words whose byte order
/// the WAL's magic number says.
/// </summary>
/// <param name="S0">First word.</param>
/// <param name="S1">Second word.</param>
public readonly record struct WalChecksum(uint S0, uint S1)
{
    /// <summary>The checksum after more bytes.</summary>
    /// <param name="data">Bytes; a multiple of 8.</param>
    /// <param name="bigEndian">Whether the WAL's words are big-endian.</param>
    public WalChecksum Append(ReadOnlySpan<byte> data, bool bigEndian)
    {
        if (data.Length % 8 != 0)
        {
            throw new ArgumentException("The WAL checksum takes multiples of 8 bytes.", nameof(data));
        }

        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(data);
        return bigEndian == BitConverter.IsLittleEndian ? AppendSwapped(words) : AppendNative(words);
    }

    // Both are optimised when they are first called: a WAL that is long at the start must not meet the runtime's slow first version.

    // Only one addition a word lies on the chain from s0 to s1 and back: the other is done beside it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private WalChecksum AppendNative(ReadOnlySpan<uint> words)
    {
        uint s0 = S0;
        uint s1 = S1;
        for (int i = 0; i + 1 < words.Length; i += 2)
        {
            s0 = s0 + words[i] + s1;
            s1 = s1 + words[i + 1] + s0;
        }

        return new WalChecksum(s0, s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private WalChecksum AppendSwapped(ReadOnlySpan<uint> words)
    {
        uint s0 = S0;
        uint s1 = S1;
        for (int i = 0; i + 1 < words.Length; i += 2)
        {
            s0 = s0 + BinaryPrimitives.ReverseEndianness(words[i]) + s1;
            s1 = s1 + BinaryPrimitives.ReverseEndianness(words[i + 1]) + s0;
        }

        return new WalChecksum(s0, s1);
    }
}
