using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Merges the files of one level into files of the next.</summary>
/// <remarks>
/// Order and crashes: the merged file appears whole and durable, is read back and its checksum met, and only then counts. Its inputs
/// are not touched here; retention deletes them later, when what covers them is known to be good. A crash at any moment leaves
/// more files than needed, never fewer, and the next run goes on behind what the level holds.
/// A level begins behind the oldest full image: the image itself does not travel through the levels.
/// </remarks>
public sealed class Compactor
{
    /// <summary>Files that one merge takes at most, so that a burst of captures does not open thousands of files at once.</summary>
    public const int MaxInputs = 256;

    private const int InputBuffer = 32 * 1024;

    private readonly IReplicaStore _store;
    private readonly ReplicaCatalogue _catalogue;

    /// <summary>Compacts a replica.</summary>
    /// <param name="store">The replica, which the caller holds.</param>
    /// <param name="catalogue">What it holds.</param>
    public Compactor(IReplicaStore store, ReplicaCatalogue catalogue)
    {
        _store = store;
        _catalogue = catalogue;
    }

    /// <summary>Merges everything of the level below that ended before a time. Returns how many files were made.</summary>
    /// <param name="level">The level to make, 1 to 8.</param>
    /// <param name="before">The end of the last whole interval (UTC).</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<int> CompactAsync(int level, DateTimeOffset before, CancellationToken cancellationToken)
    {
        int made = 0;
        while (true)
        {
            List<ReplicaFile> inputs = TakeInputs(level, before);
            if (inputs.Count == 0)
            {
                return made;
            }

            await MergeAsync(level, inputs, cancellationToken).ConfigureAwait(false);
            made++;
        }
    }

    // Contiguous files only: where one is missing, nothing is merged across the hole.
    private List<ReplicaFile> TakeInputs(int level, DateTimeOffset before)
    {
        ulong reached = _catalogue.Newest(level)?.Name.MaxTxid ?? FirstImage();
        List<ReplicaFile> inputs = [];
        foreach (ReplicaFile file in _catalogue.Behind(level - 1, reached, MaxInputs))
        {
            if (file.Timestamp >= before || (inputs.Count > 0 && file.Name.MinTxid != inputs[^1].Name.MaxTxid + 1))
            {
                break;
            }

            inputs.Add(file);
        }

        return inputs;
    }

    private ulong FirstImage() => _catalogue.Level(LtxFileName.SnapshotLevel) is [{ } first, ..] ? first.Name.MaxTxid : 0;

    private async Task MergeAsync(int level, List<ReplicaFile> inputs, CancellationToken cancellationToken)
    {
        var name = new LtxFileName(inputs[0].Name.MinTxid, inputs[^1].Name.MaxTxid);
        DateTimeOffset timestamp = inputs[^1].Timestamp;
        LtxTrailer written = default;
        long length = 0;
        await _store.PutAsync(
            level,
            name,
            timestamp,
            length: null,
            async (stream, cancel) => (written, length) = await MergeAsync(inputs, stream, cancel).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        Stream back = await _store.OpenReadAsync(level, name, 0, null, cancellationToken).ConfigureAwait(false);
        LtxTrailer read = await LtxDecoder.VerifyAsync(back, name.ToString(), cancellationToken).ConfigureAwait(false);
        if (read != written)
        {
            throw new LtxFormatException(name.ToString(), 0, "it was read back with another checksum than it was written with");
        }

        _catalogue.Add(new ReplicaFile(level, name, length, timestamp));
    }

    private async Task<(LtxTrailer Trailer, long Length)> MergeAsync(List<ReplicaFile> inputs, Stream output, CancellationToken cancellationToken)
    {
        List<LtxDecoder> decoders = [];
        try
        {
            foreach (ReplicaFile file in inputs)
            {
                Stream stream = await _store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
                decoders.Add(await LtxDecoder.OpenAsync(stream, file.Name.ToString(), InputBuffer, cancellationToken).ConfigureAwait(false));
            }

            (_, LtxTrailer trailer) = await LtxMerge.MergeAsync(decoders, output, cancellationToken).ConfigureAwait(false);
            return (trailer, output.Position);
        }
        finally
        {
            foreach (LtxDecoder decoder in decoders)
            {
                await decoder.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
