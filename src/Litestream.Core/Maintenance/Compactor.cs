using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Merges the files of one level into files of the next.</summary>
/// <remarks>
/// Order and crashes: the merged file appears whole and durable, is read back and its checksum met, and only then counts. Its inputs
/// are not touched here; retention deletes them later, when what covers them is known to be good. A crash at any moment leaves
/// more files than needed, never fewer, and the next run goes on behind what the level holds.
/// A level begins behind the oldest full image: the image itself does not travel through the levels. Where transactions are missing
/// below (a later base image stands for them, maybe with another page size), the level begins anew behind them.
/// </remarks>
public sealed class Compactor
{
    /// <summary>Files that one merge takes at most, so that a burst of captures does not open thousands of files at once.</summary>
    public const int MaxInputs = 256;

    private const int InputBuffer = 32 * 1024;

    private readonly IReplicaStore _store;
    private readonly ReplicaCatalogue _catalogue;
    private readonly ReadBack _readBack;

    /// <summary>Compacts a replica.</summary>
    /// <param name="store">The replica, which the caller holds.</param>
    /// <param name="catalogue">What it holds.</param>
    public Compactor(IReplicaStore store, ReplicaCatalogue catalogue)
        : this(store, catalogue, new ReadBack(store, catalogue))
    {
    }

    internal Compactor(IReplicaStore store, ReplicaCatalogue catalogue, ReadBack readBack)
    {
        _store = store;
        _catalogue = catalogue;
        _readBack = readBack;
    }

    /// <summary>
    /// Merges everything of the level below whose interval is over, one file an interval (or more, if there are many). Returns how
    /// many files were made.
    /// </summary>
    /// <param name="level">The level to make, 1 to 8.</param>
    /// <param name="interval">How much time one of its files covers, aligned to the clock.</param>
    /// <param name="now">The time (UTC).</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">A file below is damaged, or a new one was not stored as it was written.</exception>
    public async Task<int> CompactAsync(int level, TimeSpan interval, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(level, LtxFileName.SnapshotLevel);
        for (int made = 0; ; made++)
        {
            await _readBack.DiscardAsync(cancellationToken).ConfigureAwait(false);
            List<ReplicaFile> inputs = TakeInputs(level, interval, now);
            switch (inputs.Count)
            {
                case 0:
                    return made;
                case 1:
                    await CopyAsync(level, inputs[0], cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    await MergeAsync(level, inputs, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>Which interval a time lies in, counted from the beginning of the calendar.</summary>
    internal static long Slot(DateTimeOffset time, TimeSpan interval) => time.UtcTicks / interval.Ticks;

    // Contiguous files of one interval only. A file of the present interval waits for those that are still to come. One of a later
    // interval was captured before the clock was set back: waiting for its time could be waiting for years.
    private List<ReplicaFile> TakeInputs(int level, TimeSpan interval, DateTimeOffset now)
    {
        ulong reached = _catalogue.Newest(level)?.Name.MaxTxid ?? FirstImage();
        List<ReplicaFile> inputs = [];
        foreach (ReplicaFile file in _catalogue.Beyond(level - 1, reached, MaxInputs))
        {
            long slot = Slot(file.Timestamp, interval);
            if (slot == Slot(now, interval)
                || (inputs is [.., { } last] && (file.Name.MinTxid - 1 > last.Name.MaxTxid || slot != Slot(last.Timestamp, interval))))
            {
                break;
            }

            if (inputs is not [.., { } before] || file.Name.MaxTxid > before.Name.MaxTxid)
            {
                inputs.Add(file);
            }
        }

        return inputs;
    }

    private ulong FirstImage() => _catalogue.Level(LtxFileName.SnapshotLevel) is [{ } first, ..] ? first.Name.MaxTxid : 0;

    // One file is carried to the next level as it is, once it is known to be sound.
    private async Task CopyAsync(int level, ReplicaFile input, CancellationToken cancellationToken)
    {
        LtxTrailer trailer = await _readBack.VerifyAsync(input, cancellationToken).ConfigureAwait(false);
        await _store.CopyAsync(input.Level, level, input.Name, input.Timestamp, cancellationToken).ConfigureAwait(false);
        await _readBack.AcceptAsync(input with { Level = level }, trailer, cancellationToken).ConfigureAwait(false);
    }

    private async Task MergeAsync(int level, List<ReplicaFile> inputs, CancellationToken cancellationToken)
    {
        List<LtxDecoder> decoders = [];
        try
        {
            await OpenAsync(inputs, decoders, cancellationToken).ConfigureAwait(false);
            ReplicaFile last = inputs[decoders.Count - 1];
            var name = new LtxFileName(inputs[0].Name.MinTxid, last.Name.MaxTxid);
            LtxTrailer trailer = default;
            long length = 0;
            await _store.PutAsync(
                level,
                name,
                last.Timestamp,
                length: null,
                async (stream, cancel) =>
                {
                    (_, trailer) = await LtxMerge.MergeAsync(decoders, stream, cancel).ConfigureAwait(false);
                    length = stream.Position;
                },
                cancellationToken).ConfigureAwait(false);
            await _readBack.AcceptAsync(new ReplicaFile(level, name, length, last.Timestamp), trailer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (LtxDecoder decoder in decoders)
            {
                await decoder.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    // Pages of different sizes cannot stand in one file: the merge ends before the first file of another page size.
    private async Task OpenAsync(List<ReplicaFile> inputs, List<LtxDecoder> decoders, CancellationToken cancellationToken)
    {
        foreach (ReplicaFile file in inputs)
        {
            Stream stream = await _store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
            LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, ReadBack.Label(file), InputBuffer, cancellationToken).ConfigureAwait(false);
            if (decoders is [{ } first, ..] && decoder.Header.PageSize != first.Header.PageSize)
            {
                await decoder.DisposeAsync().ConfigureAwait(false);
                return;
            }

            decoders.Add(decoder);
            ReadBack.RequireName(decoder, file);
        }
    }
}
