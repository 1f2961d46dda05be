using System.Buffers;
using System.Buffers.Binary;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Interop;

/// <summary>
/// A replica of a database that nobody has open, made with our encoder and our store alone: images of the database file, and
/// the pages that differ from the last image. Every field that Litestream leaves 0 is filled in.
/// </summary>
internal sealed class HandMadeReplica(string database, string folder)
{
    private const ulong Node = 0x0123_4567_89AB_CDEF;
    private const int PageSizeOffset = 16;

    private byte[] _last = [];

    /// <summary>When transaction 0 would have been captured.</summary>
    public static DateTimeOffset Begin { get; } = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Time from one transaction to the next.</summary>
    public TimeSpan Step { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Writes an image of every page at level 9, named 1 to the transaction id.</summary>
    public Task<(ReplicaFile File, LtxTrailer Trailer)> PutImageAsync(ulong txid)
    {
        _last = [];
        return PutAsync(LtxFileName.SnapshotLevel, 1, txid);
    }

    /// <summary>Writes the pages that have changed since the last file at level 0.</summary>
    public Task<(ReplicaFile File, LtxTrailer Trailer)> PutChangesAsync(ulong txid) => PutAsync(0, txid, txid);

    private async Task<(ReplicaFile File, LtxTrailer Trailer)> PutAsync(int level, ulong min, ulong max)
    {
        byte[] image = await File.ReadAllBytesAsync(database);
        int pageSize = BinaryPrimitives.ReadUInt16BigEndian(image.AsSpan(PageSizeOffset)) is var size and not 1 ? size : 65536;
        ArrayBufferWriter<byte> file = new();
        LtxEncoder encoder = new(file, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = pageSize,
            Commit = (uint)(image.Length / pageSize),
            MinTxid = min,
            MaxTxid = max,
            Timestamp = (Begin + (Step * max)).ToUnixTimeMilliseconds(),
            WalOffset = 32 + ((long)max * (24 + pageSize)),
            WalSize = 3 * (24 + pageSize),
            WalSalt1 = 0x1A2B3C4D,
            WalSalt2 = 0x5E6F7081,
            NodeId = Node,
        });
        for (int at = 0; at < image.Length; at += pageSize)
        {
            ReadOnlySpan<byte> page = image.AsSpan(at, pageSize);
            if (at + pageSize > _last.Length || !page.SequenceEqual(_last.AsSpan(at, pageSize)))
            {
                encoder.WritePage((uint)(at / pageSize) + 1, page);
            }
        }

        LtxTrailer trailer = encoder.Finish();
        await using IReplicaStore store = ReplicaLocation.Parse(folder).Open();
        await store.PutAsync(
            level,
            new LtxFileName(min, max),
            encoder.Header.Time,
            file.WrittenCount,
            (stream, cancel) => stream.WriteAsync(file.WrittenMemory, cancel).AsTask(),
            CancellationToken.None);
        _last = image;
        return (new ReplicaFile(level, new LtxFileName(min, max), file.WrittenCount, encoder.Header.Time), trailer);
    }
}
