using System.Buffers.Binary;
using System.Numerics;

namespace Litestream.Ltx;

/// <summary>xxHash32 with seed 0: the checksum within LZ4 frames (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).</summary>
internal static class XxHash32
{
    private const uint Prime1 = 0x9E3779B1;
    private const uint Prime2 = 0x85EBCA77;
    private const uint Prime3 = 0xC2B2AE3D;
    private const uint Prime4 = 0x27D4EB2F;
    private const uint Prime5 = 0x165667B1;
    private const int Stripe = 16;

    /// <summary>Hashes one piece.</summary>
    internal static uint Compute(ReadOnlySpan<byte> bytes)
    {
        uint hash = Prime5;
        uint total = (uint)bytes.Length;
        if (bytes.Length >= Stripe)
        {
            uint a = unchecked(Prime1 + Prime2);
            uint b = Prime2;
            uint c = 0;
            uint d = unchecked(0 - Prime1);
            while (bytes.Length >= Stripe)
            {
                a = Round(a, bytes);
                b = Round(b, bytes[4..]);
                c = Round(c, bytes[8..]);
                d = Round(d, bytes[12..]);
                bytes = bytes[Stripe..];
            }

            hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7)
                + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
        }

        return Finish(hash + total, bytes);
    }

    private static uint Round(uint lane, ReadOnlySpan<byte> bytes) =>
        BitOperations.RotateLeft(lane + (BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime2), 13) * Prime1;

    private static uint Finish(uint hash, ReadOnlySpan<byte> rest)
    {
        for (; rest.Length >= sizeof(uint); rest = rest[sizeof(uint)..])
        {
            hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime3), 17) * Prime4;
        }

        foreach (byte b in rest)
        {
            hash = BitOperations.RotateLeft(hash + (b * Prime5), 11) * Prime1;
        }

        hash = (hash ^ (hash >> 15)) * Prime2;
        hash = (hash ^ (hash >> 13)) * Prime3;
        return hash ^ (hash >> 16);
    }
}
