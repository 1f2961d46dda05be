using System.IO.Pipelines;
using Litestream.Ltx;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Sends every page of a pinned image to the replica as one file of level 9. As the base of a replica it makes the page checksum table
/// on the way; as a later snapshot it changes nothing here. Where a damaged replica still leads to some state, only what differs from that.
/// </summary>
/// <remarks>
/// Order and crashes: the table is written beside its name; the file appears in the replica whole, durably, or not at all; only
/// then is the table given its name. A crash before the file is visible leaves the replica as it was. A crash after it, before
/// the table has its name, leaves a replica whose newest file is of a node id that no table here knows: the next start finds
/// no record of it, compares it with the database page by page, and goes on from it. For a difference the same holds, but the table in
/// force stays and has a part in the replica, which is ahead of it: the next start refuses it until told to adopt it, or repaired again.
/// Nothing of it is kept in memory but two chunks of pages, one being read while the other is written, and two bytes a page for the index.
/// </remarks>
internal static class BaseImage
{
    /// <summary>
    /// Sends what of the image differs from a state that the replica holds: one file that leads from there to the image, and a new table for it.
    /// </summary>
    /// <param name="image">The pinned image, of the table's page size.</param>
    /// <param name="store">The replica.</param>
    /// <param name="folder">The local state folder.</param>
    /// <param name="known">The table of that state, under another name than the one in force. Its node id is the new file's.</param>
    /// <param name="level">The level of the file.</param>
    /// <param name="txid">The transaction id that the image stands for.</param>
    /// <param name="timestamp">When the image was pinned.</param>
    /// <param name="progress">Told the pages done.</param>
    /// <param name="cancellationToken">Gives up; nothing is visible then.</param>
    /// <returns>What is captured now, and the file.</returns>
    public static async Task<(CapturedState Captured, ReplicaFile File)> SendDifferenceAsync(
        PinnedImage image,
        IReplicaStore store,
        LocalStateFolder folder,
        PageChecksumTable known,
        int level,
        ulong txid,
        DateTimeOffset timestamp,
        Action<uint> progress,
        CancellationToken cancellationToken)
    {
        LtxHeader header = CaptureHeader.Create(image.Position, known.Txid + 1, txid, WalHeader.Size, timestamp, known.NodeId);
        using PageChecksumTable table = Begin(folder, image, known.NodeId);
        (LtxTrailer trailer, long length) = await PutAsync(
            image, store, level, header, Note(folder, table), known, progress, cancellationToken).ConfigureAwait(false);
        return (Publish(image, folder, table, txid, trailer), new ReplicaFile(level, new LtxFileName(header.MinTxid, txid), length, header.Time));
    }

    /// <summary>Sends the image as a snapshot of a replica that has a base already.</summary>
    /// <param name="image">The pinned image, at the very end of a captured transaction.</param>
    /// <param name="store">The replica.</param>
    /// <param name="txid">That transaction.</param>
    /// <param name="timestamp">When it was captured.</param>
    /// <param name="nodeId">Whose file it is.</param>
    /// <param name="progress">Told the pages done.</param>
    /// <param name="cancellationToken">Gives up; nothing is visible then.</param>
    /// <returns>The file, and the trailer it was written with.</returns>
    public static async Task<(ReplicaFile File, LtxTrailer Trailer)> SendSnapshotAsync(
        PinnedImage image,
        IReplicaStore store,
        ulong txid,
        DateTimeOffset timestamp,
        ulong nodeId,
        Action<uint> progress,
        CancellationToken cancellationToken)
    {
        LtxHeader header = CaptureHeader.Create(image.Position, minTxid: 1, txid, WalHeader.Size, timestamp, nodeId);
        (LtxTrailer trailer, long length) = await PutAsync(image, store, LtxFileName.SnapshotLevel, header, note: null, known: null, progress, cancellationToken).ConfigureAwait(false);
        return (new ReplicaFile(LtxFileName.SnapshotLevel, new LtxFileName(1, txid), length, header.Time), trailer);
    }

    /// <summary>Sends the image.</summary>
    /// <param name="image">The pinned image.</param>
    /// <param name="store">The replica.</param>
    /// <param name="folder">The local state folder.</param>
    /// <param name="txid">The transaction id that the image stands for; the file covers 1 to it.</param>
    /// <param name="timestamp">When the image was pinned.</param>
    /// <param name="nodeId">Whose file it is.</param>
    /// <param name="progress">Told the pages done.</param>
    /// <param name="cancellationToken">Gives up; nothing is visible then.</param>
    /// <returns>What is captured now, and the length of the file.</returns>
    public static async Task<(CapturedState Captured, long Length)> SendAsync(
        PinnedImage image,
        IReplicaStore store,
        LocalStateFolder folder,
        ulong txid,
        DateTimeOffset timestamp,
        ulong nodeId,
        Action<uint> progress,
        CancellationToken cancellationToken)
    {
        LtxHeader header = CaptureHeader.Create(image.Position, minTxid: 1, txid, WalHeader.Size, timestamp, nodeId);
        using PageChecksumTable table = Begin(folder, image, nodeId);
        (LtxTrailer trailer, long length) = await PutAsync(
            image, store, LtxFileName.SnapshotLevel, header, Note(folder, table), known: null, progress, cancellationToken).ConfigureAwait(false);
        return (Publish(image, folder, table, txid, trailer), length);
    }

    private static PageChecksumTable Begin(LocalStateFolder folder, PinnedImage image, ulong nodeId)
    {
        PageChecksumTable? table = null;
        folder.Guard("written", () => table = PageChecksumTable.Create(folder.TablePath, image.Position.PageSize, nodeId));
        return table!;
    }

    private static Action<uint, ImageChunk> Note(LocalStateFolder folder, PageChecksumTable table) =>
        (first, chunk) => folder.Guard("written", () => table.WriteRange(first, chunk.Checksums));

    private static CapturedState Publish(PinnedImage image, LocalStateFolder folder, PageChecksumTable table, ulong txid, LtxTrailer trailer)
    {
        uint pageCount = image.Position.PageCount;
        folder.Guard("saved", () => table.Publish(folder.TablePath, txid, trailer.FileChecksum, pageCount));
        return new CapturedState(txid, trailer.FileChecksum, pageCount, image.Position);
    }

    private static async Task<(LtxTrailer Trailer, long Length)> PutAsync(
        PinnedImage image,
        IReplicaStore store,
        int level,
        LtxHeader header,
        Action<uint, ImageChunk>? note,
        PageChecksumTable? known,
        Action<uint> progress,
        CancellationToken cancellationToken)
    {
        LtxTrailer trailer = default;
        long length = 0;
        await store.PutAsync(
            level,
            new LtxFileName(header.MinTxid, header.MaxTxid),
            header.Time,
            length: null,
            async (stream, cancel) =>
            {
                PipeWriter output = PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: 256 * 1024, leaveOpen: true));
                var encoder = new LtxEncoder(output, header);
                await WritePagesAsync(image, encoder, note, known, output, progress, cancel).ConfigureAwait(false);
                while (!encoder.TryFinish(out trailer))
                {
                    await output.FlushAsync(cancel).ConfigureAwait(false);
                }

                await output.CompleteAsync().ConfigureAwait(false);
                length = encoder.Length;
            },
            cancellationToken).ConfigureAwait(false);
        return (trailer, length);
    }

    private static async Task WritePagesAsync(
        PinnedImage image,
        LtxEncoder encoder,
        Action<uint, ImageChunk>? note,
        PageChecksumTable? known,
        PipeWriter output,
        Action<uint> progress,
        CancellationToken cancellationToken)
    {
        uint pageCount = image.Position.PageCount;
        ImageChunk chunk = new(image.Position.PageSize);
        ImageChunk next = new(image.Position.PageSize);
        Task reading = ReadAsync(chunk, image, 1, known);
        try
        {
            for (uint first = 1; first <= pageCount; first += (uint)chunk.Capacity)
            {
                await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
                reading = ReadAsync(next, image, first + (uint)next.Capacity, known);
                chunk.WriteTo(encoder);
                note?.Invoke(first, chunk);
                await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                progress(first + (uint)chunk.Count - 1);
                (chunk, next) = (next, chunk);
            }
        }
        finally
        {
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the image is its owner's again
        }
    }

    // The next chunk is read and compressed while this one is written.
    private static Task ReadAsync(ImageChunk chunk, PinnedImage image, uint first, PageChecksumTable? known) =>
        first > image.Position.PageCount
            ? Task.CompletedTask
            : Task.Run(() => chunk.Read(image, first, (int)Math.Min(chunk.Capacity, image.Position.PageCount - first + 1), known), CancellationToken.None);
}
