using Litestream.Restoration;

namespace Litestream.Verification;

/// <summary>Tests a replica. What it finds wrong is in the report; only cancellation is thrown.</summary>
public static class ReplicaVerifier
{
    /// <summary>Tests a replica.</summary>
    /// <param name="options">Which one, and how deep.</param>
    /// <param name="progress">Told now and then how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends the test and removes the temporary copy.</param>
    public static Task<VerificationReport> VerifyAsync(
        VerificationOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken) =>
        throw new NotImplementedException(options.Source);
}
