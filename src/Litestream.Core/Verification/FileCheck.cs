using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>
/// The files of a replica as they listed, and of each what came of reading it to its end; and whether by their names they lead to the newest
/// without a gap.
/// </summary>
/// <remarks>
/// A restore reads the files of its plan whole and meets every checksum, so it notes them here, and nobody reads them twice. Whatever it has
/// not noted, because it failed or planned anew, is read here afterwards: what is reported does not depend on who has read a file.
/// </remarks>
internal sealed class FileCheck
{
    private readonly IReplicaStore _store;
    private readonly List<ReplicaFile> _files;
    private readonly RestorePlan? _plan;
    private readonly LitestreamException? _noPlan;
    private readonly LtxRunReader _reader = new();

    // Those that were read; with what is wrong, or null.
    private readonly Dictionary<(int Level, LtxFileName Name), LtxFormatException?> _read = [];

    private FileCheck(IReplicaStore store, List<ReplicaFile> files)
    {
        (_store, _files) = (store, files);
        try
        {
            _plan = RestorePlanner.Plan(store.Location, files, target: null);
        }
        catch (LitestreamException e)
        {
            _noPlan = e;
        }
    }

    /// <summary>Whether the files lead to the newest without a gap.</summary>
    internal bool HasPlan => _plan is not null;

    /// <summary>Lists the replica.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    internal static async Task<FileCheck> ListAsync(IReplicaStore store, CancellationToken cancellationToken) =>
        new(store, await ReplicaListing.ReadRoughlyAsync(store, cancellationToken).ConfigureAwait(false));

    /// <summary>Takes note of a file that a restore has read to its end, all checksums met.</summary>
    /// <param name="file">The file.</param>
    /// <param name="scanner">What has read it.</param>
    internal void Note(ReplicaFile file, LtxScanner scanner)
    {
        // To a restore a full image may lack what later files hold; the test says so when it has read the file itself.
        if (Lack(file, scanner) is null)
        {
            _read[(file.Level, file.Name)] = null;
        }
    }

    /// <summary>Reads every file that was not read yet.</summary>
    /// <param name="progress">Told how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal Task ReadRestAsync(IProgress<RestoreProgress>? progress, CancellationToken cancellationToken) =>
        ReadAsync([.. _files.Where(file => !_read.ContainsKey((file.Level, file.Name)))], progress, cancellationToken);

    /// <summary>The report with what is known of the files.</summary>
    /// <param name="report">The report.</param>
    internal VerificationReport AddTo(VerificationReport report)
    {
        foreach (ReplicaFile file in _files)
        {
            // One that was deleted since the listing was not read: whether it is missed, the plan shows.
            if (_read.TryGetValue((file.Level, file.Name), out LtxFormatException? damage))
            {
                report = damage is null
                    ? report with { FilesChecked = report.FilesChecked + 1, BytesChecked = report.BytesChecked + file.Size }
                    : report.With(damage);
            }
        }

        return _plan is null ? report.With(_noPlan!) : report with { Txid = _plan.Txid };
    }

    private async Task ReadAsync(List<ReplicaFile> files, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken)
    {
        long total = files.Sum(file => file.Size);
        long passed = 0;
        foreach (ReplicaFile file in files)
        {
            try
            {
                long before = passed;
                await ReadAsync(file, read => Tell(before + read), cancellationToken).ConfigureAwait(false);
                _read[(file.Level, file.Name)] = null;
            }
            catch (ReplicaFileNotFoundException)
            {
                // Deleted since the listing.
            }
            catch (LtxFormatException e)
            {
                _read[(file.Level, file.Name)] = e;
            }

            passed += file.Size;
            Tell(passed);
        }

        void Tell(long bytes) => progress?.Report(new RestoreProgress("checking files", bytes, total));
    }

    private async Task ReadAsync(ReplicaFile file, Action<long> progress, CancellationToken cancellationToken)
    {
        string name = PlannedFiles.Label(file);
        Stream stream = await _store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        await using LtxScanner scanner = await LtxScanner.OpenAsync(stream, name, LtxDecoder.DefaultBufferSize, cancellationToken).ConfigureAwait(false);
        if (scanner.Header.MinTxid != file.Name.MinTxid || scanner.Header.MaxTxid != file.Name.MaxTxid)
        {
            throw new LtxFormatException(name, 0x10, "its header names other transactions than its name does");
        }

        await _reader.ReadAsync(scanner, static _ => false, progress, cancellationToken).ConfigureAwait(false);
        if (Lack(file, scanner) is { } lack)
        {
            throw new LtxFormatException(name, scanner.Position, lack);
        }
    }

    private static string? Lack(ReplicaFile file, LtxScanner scanner) =>
        file.Level == LtxFileName.SnapshotLevel && scanner.PageCount != scanner.Header.PagesOfFullImage
            ? "it is a full image but does not hold every page"
            : null;
}
