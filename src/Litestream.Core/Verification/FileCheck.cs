using System.Globalization;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>Decodes every file of a replica and meets its checksum, then proves that the files lead to the newest without a gap.</summary>
internal static class FileCheck
{
    /// <summary>Runs the check.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="report">What is known so far.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<VerificationReport> RunAsync(
        IReplicaStore store, VerificationReport report, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken)
    {
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);

        var reader = new LtxRunReader();
        long total = files.Sum(file => file.Size);
        foreach (ReplicaFile file in files)
        {
            try
            {
                long before = report.BytesChecked;
                await CheckAsync(
                    store,
                    file,
                    reader,
                    read => progress?.Report(new RestoreProgress("checking files", before + read, total)),
                    cancellationToken).ConfigureAwait(false);
                report = report with { FilesChecked = report.FilesChecked + 1, BytesChecked = report.BytesChecked + file.Size };
            }
            catch (ReplicaFileNotFoundException)
            {
                continue; // deleted since the listing: whether it is missed, the plan shows
            }
            catch (LtxFormatException e)
            {
                report = report.With(e);
            }

            progress?.Report(new RestoreProgress("checking files", report.BytesChecked, total));
        }

        try
        {
            RestorePlan plan = RestorePlanner.Plan(store.Location, files, target: null);
            return report with { Txid = plan.Txid };
        }
        catch (LitestreamException e)
        {
            return report.With(e);
        }
    }

    private static async Task CheckAsync(
        IReplicaStore store, ReplicaFile file, LtxRunReader reader, Action<long> read, CancellationToken cancellationToken)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{file.Level}/{file.Name}");
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        await using LtxScanner scanner = await LtxScanner.OpenAsync(stream, name, LtxDecoder.DefaultBufferSize, cancellationToken).ConfigureAwait(false);
        if (scanner.Header.MinTxid != file.Name.MinTxid || scanner.Header.MaxTxid != file.Name.MaxTxid)
        {
            throw new LtxFormatException(name, 0x10, "its header names other transactions than its name does");
        }

        await reader.ReadAsync(scanner, static _ => false, read, cancellationToken).ConfigureAwait(false);
        if (file.Level == LtxFileName.SnapshotLevel && scanner.PageCount != scanner.Header.PagesOfFullImage)
        {
            throw new LtxFormatException(name, scanner.Position, "it is a full image but does not hold every page");
        }
    }
}
