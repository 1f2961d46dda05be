using Litestream.Restoration;

namespace Litestream.Verification;

/// <summary>Restores the newest state to a temporary file and lets SQLite check it as far as it is to.</summary>
internal static class RestoreCheck
{
    /// <summary>Runs the check.</summary>
    /// <param name="options">Which replica.</param>
    /// <param name="files">Told of the files that the restore reads.</param>
    /// <param name="report">What is known so far.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<VerificationReport> RunAsync(
        VerificationOptions options,
        FileCheck files,
        VerificationReport report,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var copy = new TemporaryCopy(options, files.Note);
        RestoreResult result = await copy.RestoreAsync(targetTxid: null, progress, cancellationToken).ConfigureAwait(false);
        await copy.CheckAsync(
            options.IntegrityCheck, report.Source, () => files.ReadRestAsync(progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        return report with { Txid = result.Txid, Pages = result.Pages };
    }
}
