using System.Buffers;
using System.Globalization;
using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>
/// Reads the files of a plan from the newest to the oldest and writes each page once, from the newest file that holds it.
/// Every file is read whole, also when none of its pages is wanted, so that all checksums are met.
/// </summary>
/// <remarks>
/// A page counts only if it lies within the database's size after its own file and after every later one: what was cut off
/// and added again later is not what it was. Memory: one bit a page and a fixed number of buffers.
/// </remarks>
internal sealed class RestoreRun
{
    private readonly IReplicaStore _store;
    private readonly RestorePlan _plan;
    private readonly IProgress<RestoreProgress>? _progress;
    private PageBitmap _written = new(0);
    private uint _limit;
    private long _bytesRead;

    /// <summary>Prepares.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="plan">What to read.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    internal RestoreRun(IReplicaStore store, RestorePlan plan, IProgress<RestoreProgress>? progress)
    {
        _store = store;
        _plan = plan;
        _progress = progress;
    }

    /// <summary>Header of the newest file, once it is open.</summary>
    internal LtxHeader Header { get; private set; }

    /// <summary>File checksum of the newest file, once all is read.</summary>
    internal ulong FileChecksum { get; private set; }

    /// <summary>Bytes read from the replica.</summary>
    internal long BytesRead => _bytesRead;

    /// <summary>How a replica file is named in errors: folder and name.</summary>
    internal static string Label(ReplicaFile file) => string.Create(CultureInfo.InvariantCulture, $"{file.Level}/{file.Name}");

    /// <summary>Opens the newest file, reads all, writes all pages.</summary>
    /// <param name="create">Makes what takes the pages, once size and page size are known: the file and, maybe, the local state's seed.</param>
    /// <param name="cancellationToken">Ends the restore.</param>
    /// <exception cref="LtxFormatException">A file is damaged, or they lack a page.</exception>
    internal async Task RunAsync(Func<LtxHeader, (RestoringFile File, LocalStateSeed? Seed)> create, CancellationToken cancellationToken)
    {
        LtxDecoder newest = await OpenAsync(_plan.Files[^1], cancellationToken).ConfigureAwait(false);
        await using (newest.ConfigureAwait(false))
        {
            Header = newest.Header;
            RequirePlausibleSize(newest);
            (RestoringFile file, LocalStateSeed? seed) = create(Header);
            _written = new PageBitmap(Header.Commit);
            _limit = Header.Commit;
            var writer = new PageBatchWriter(file, seed, Header.PageSize);
            await using (writer.ConfigureAwait(false))
            {
                PageBatch batch = await writer.TakeAsync(cancellationToken).ConfigureAwait(false);
                batch = await ReadAsync(newest, batch, writer, cancellationToken).ConfigureAwait(false);
                FileChecksum = newest.Trailer.FileChecksum;
                for (int i = _plan.Files.Count - 2; i >= 0; i--)
                {
                    LtxDecoder decoder = await OpenAsync(_plan.Files[i], cancellationToken).ConfigureAwait(false);
                    await using (decoder.ConfigureAwait(false))
                    {
                        batch = await ReadAsync(decoder, batch, writer, cancellationToken).ConfigureAwait(false);
                    }
                }

                writer.Give(batch);
                await writer.FinishAsync().ConfigureAwait(false);
            }
        }

        RequireEveryPage();
    }

    private async Task<LtxDecoder> OpenAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        string label = Label(file);
        Stream stream = await _store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, label, cancellationToken).ConfigureAwait(false);
        if (decoder.Header.MinTxid == file.Name.MinTxid && decoder.Header.MaxTxid == file.Name.MaxTxid)
        {
            return decoder;
        }

        await decoder.DisposeAsync().ConfigureAwait(false);
        throw new LtxFormatException(label, 0x10, "it holds other transactions than its name says");
    }

    private async Task<PageBatch> ReadAsync(LtxDecoder decoder, PageBatch batch, PageBatchWriter writer, CancellationToken cancellationToken)
    {
        long before = _bytesRead;
        if (_written.Count == Header.PagesOfFullImage || decoder.Header.PageSize != Header.PageSize)
        {
            await ReadForChecksumAsync(decoder, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            _limit = Math.Min(_limit, decoder.Header.Commit);
            uint number;
            while ((number = await decoder.ReadPageAsync(batch.Next, cancellationToken).ConfigureAwait(false)) != 0)
            {
                if (number > _limit || !_written.TrySet(number))
                {
                    continue;
                }

                batch.Keep(number);
                if (batch.IsFull)
                {
                    writer.Give(batch);
                    Report(before + decoder.Position);
                    batch = await writer.TakeAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }

        Report(before + decoder.Position);
        return batch;
    }

    // Nothing of it survives. If its pages have another size, whatever came after it must have brought every page.
    private async Task ReadForChecksumAsync(LtxDecoder decoder, CancellationToken cancellationToken)
    {
        if (_written.Count != Header.PagesOfFullImage)
        {
            throw new LtxFormatException(
                decoder.File, 0x08, $"its pages have {decoder.Header.PageSize} bytes, those of the files after it {Header.PageSize}");
        }

        byte[] page = ArrayPool<byte>.Shared.Rent(decoder.Header.PageSize);
        try
        {
            while (await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false) != 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    private void Report(long bytesRead)
    {
        _bytesRead = bytesRead;
        _progress?.Report(new RestoreProgress("Restoring pages", bytesRead, _plan.Bytes));
    }

    // The size is believed only as far as the files could hold so many pages: the file and the bitmap are made by it.
    private void RequirePlausibleSize(LtxDecoder newest)
    {
        if (Header.Commit - 1L > _plan.Bytes / LtxPageFormat.MinPageLength)
        {
            throw new LtxFormatException(
                newest.File, 0x0C, $"it claims a database of {Header.Commit} pages, more than all files of the plan can hold");
        }
    }

    private void RequireEveryPage()
    {
        if (_written.Count != Header.PagesOfFullImage)
        {
            throw new LtxFormatException(
                Label(_plan.Files[0]),
                0x0C,
                $"it and the files after it, up to transaction {_plan.Txid}, do not hold page "
                + $"{_written.FirstMissing(LockPage.Number(Header.PageSize))} of {Header.Commit}");
        }
    }
}
