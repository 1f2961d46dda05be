namespace Litestream.Restoration;

/// <summary>Makes a database file from a replica.</summary>
public static class DatabaseRestorer
{
    /// <summary>Says which files a restore would read, without reading them.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="ReplicaNotFoundException">Nothing there that can be restored.</exception>
    /// <exception cref="ReplicaGapException">A transaction is missing; names the first missing one and the last good point.</exception>
    public static Task<RestorePlan> PlanAsync(RestoreOptions options, CancellationToken cancellationToken) =>
        throw new NotImplementedException(options.Source);

    /// <summary>Restores. The target appears whole and verified, or not at all.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="progress">Told now and then how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends the restore and removes the temporary file.</param>
    public static Task<RestoreResult> RestoreAsync(
        RestoreOptions options, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken) =>
        throw new NotImplementedException(options.Source);
}
