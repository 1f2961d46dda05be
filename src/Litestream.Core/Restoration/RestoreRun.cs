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
    private readonly Action<ReplicaFile, LtxScanner>? _fileRead;
    private readonly IProgress<RestoreProgress>? _progress;
    private PageBitmap _written = new(0);
    private uint _limit;
    private long _bytesRead;
    private int _left; // files to be read

    /// <summary>Prepares.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="plan">What to read.</param>
    /// <param name="fileRead">Told of each file that was read to its end; may be null.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    internal RestoreRun(
        IReplicaStore store, RestorePlan plan, Action<ReplicaFile, LtxScanner>? fileRead, IProgress<RestoreProgress>? progress)
    {
        _store = store;
        _plan = plan;
        _fileRead = fileRead;
        _progress = progress;
        _left = plan.Files.Count;
    }

    /// <summary>Header of the newest file, once it is open.</summary>
    internal LtxHeader Header { get; private set; }

    /// <summary>File checksum of the newest file, once all is read.</summary>
    internal ulong FileChecksum { get; private set; }

    /// <summary>Bytes read from the replica.</summary>
    internal long BytesRead => _bytesRead;

    /// <summary>Opens the newest file, reads all, writes all pages.</summary>
    /// <param name="create">Makes what takes the pages, once size and page size are known: the file and, maybe, the local state's seed.</param>
    /// <param name="cancellationToken">Ends the restore.</param>
    /// <exception cref="LtxFormatException">A file is damaged, or they lack a page.</exception>
    internal async Task RunAsync(Func<LtxHeader, (RestoringFile File, LocalStateSeed? Seed)> create, CancellationToken cancellationToken)
    {
        var files = new PlannedFiles(_store, _plan.Files);
        await using (files.ConfigureAwait(false))
        {
            LtxScanner newest = await files.NextAsync(cancellationToken).ConfigureAwait(false);
            await using (newest.ConfigureAwait(false))
            {
                Header = newest.Header;
                RequirePlausibleSize(newest);
                (RestoringFile file, LocalStateSeed? seed) = create(Header);
                _written = new PageBitmap(Header.Commit);
                _limit = Header.Commit;
                var writer = new PageRunWriter(file, seed);
                var reader = new LtxRunReader(writer.Write, writer.Note, writer.NeedsChecksums);
                await ReadAsync(newest, reader, cancellationToken).ConfigureAwait(false);
                FileChecksum = newest.Trailer.FileChecksum;
                await ReadOlderAsync(files, reader, cancellationToken).ConfigureAwait(false);
            }
        }

        RequireEveryPage();
    }

    private async Task ReadOlderAsync(PlannedFiles files, LtxRunReader reader, CancellationToken cancellationToken)
    {
        while (!files.AtEnd)
        {
            LtxScanner scanner = await files.NextAsync(cancellationToken).ConfigureAwait(false);
            await using (scanner.ConfigureAwait(false))
            {
                await ReadAsync(scanner, reader, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task ReadAsync(LtxScanner scanner, LtxRunReader reader, CancellationToken cancellationToken)
    {
        long before = _bytesRead;
        RequirePageSize(scanner);
        _limit = Math.Min(_limit, scanner.Header.Commit);
        await reader.ReadAsync(
            scanner,
            number => number <= _limit && _written.TrySet(number),
            position =>
            {
                _bytesRead = before + position;
                _progress?.Report(new RestoreProgress("Restoring pages", _bytesRead, _plan.Bytes));
            },
            cancellationToken).ConfigureAwait(false);
        _fileRead?.Invoke(_plan.Files[--_left], scanner);
    }

    // If its pages have another size, whatever came after it must have brought every page.
    private void RequirePageSize(LtxScanner scanner)
    {
        if (scanner.Header.PageSize == Header.PageSize)
        {
            return;
        }

        if (_written.Count != Header.PagesOfFullImage)
        {
            throw new LtxFormatException(
                scanner.File, 0x08, $"its pages have {scanner.Header.PageSize} bytes, those of the files after it {Header.PageSize}");
        }

        _limit = 0;
    }

    // The size is believed only as far as the files could hold so many pages: the file and the bitmap are made by it.
    private void RequirePlausibleSize(LtxScanner newest)
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
                PlannedFiles.Label(_plan.Files[0]),
                0x0C,
                $"it and the files after it, up to transaction {_plan.Txid}, do not hold page "
                + $"{_written.FirstMissing(LockPage.Number(Header.PageSize))} of {Header.Commit}");
        }
    }
}
