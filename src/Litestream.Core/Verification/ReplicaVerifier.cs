using System.Diagnostics;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>Tests a replica. What it finds wrong is in the report; only cancellation is thrown.</summary>
public static class ReplicaVerifier
{
    /// <summary>Tests a replica.</summary>
    /// <param name="options">Which one, and how deep.</param>
    /// <param name="progress">Told now and then how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends the test and removes the temporary copy.</param>
    public static async Task<VerificationReport> VerifyAsync(
        VerificationOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var watch = Stopwatch.StartNew();
        var report = new VerificationReport
        {
            Source = options.Source.Address,
            DatabasePath = options.DatabasePath,
            Depth = options.Depth,
            IntegrityCheck = options.Depth == VerificationDepth.Files ? IntegrityCheck.None : options.IntegrityCheck,
        };
        try
        {
            IReplicaStore store = options.Source.Open();
            await using (store.ConfigureAwait(false))
            {
                report = report with { Source = store.Location };
                report = await VerifyAsync(options, store, report, progress, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (LitestreamException e)
        {
            report = report.With(e);
        }

        return report with { Elapsed = watch.Elapsed };
    }

    // What the files say comes first: a damaged one explains whatever the restore met.
    private static async Task<VerificationReport> VerifyAsync(
        VerificationOptions options,
        IReplicaStore store,
        VerificationReport report,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        FileCheck files = await FileCheck.ListAsync(store, cancellationToken).ConfigureAwait(false);
        VerificationReport? restored = options.Depth != VerificationDepth.Files && files.HasPlan
            ? await RestoreAsync(options, store, files, report, progress, cancellationToken).ConfigureAwait(false)
            : null;
        await files.ReadRestAsync(progress, cancellationToken).ConfigureAwait(false);
        report = files.AddTo(report);
        return restored is null || report.Outcome != VerificationOutcome.Pass
            ? report
            : restored with { FilesChecked = report.FilesChecked, BytesChecked = report.BytesChecked };
    }

    private static async Task<VerificationReport> RestoreAsync(
        VerificationOptions options,
        IReplicaStore store,
        FileCheck files,
        VerificationReport report,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        report = files.AddTo(report);
        try
        {
            return options.Depth == VerificationDepth.Restore
                ? await RestoreCheck.RunAsync(options, files, report, progress, cancellationToken).ConfigureAwait(false)
                : await LiveComparison.RunAsync(options, store, files, report, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (LitestreamException e)
        {
            return report.With(e);
        }
    }

    /// <summary>The report with one more finding, and the outcome that it leads to.</summary>
    internal static VerificationReport With(this VerificationReport report, LitestreamException error)
    {
        // What says nothing about the replica's content proves nothing; everything else is a failure.
        bool fails = error is LtxFormatException or ReplicaGapException or ReplicaNotFoundException or ReplicaFileNotFoundException
            or IntegrityCheckFailedException;
        return report.With(
            fails ? VerificationOutcome.Fail : VerificationOutcome.Inconclusive,
            new VerificationFinding(error.ErrorId, error.Message, error.File));
    }

    /// <summary>The report with one more finding, and an outcome that a failure keeps.</summary>
    internal static VerificationReport With(this VerificationReport report, VerificationOutcome outcome, VerificationFinding finding) => report with
    {
        Outcome = report.Outcome == VerificationOutcome.Fail ? VerificationOutcome.Fail : outcome,
        Findings = [.. report.Findings, finding],
    };
}
