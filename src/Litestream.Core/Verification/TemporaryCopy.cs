using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>A place for a restored copy that goes when the test has ended.</summary>
internal sealed class TemporaryCopy : IDisposable
{
    private readonly ReplicaLocation _source;
    private readonly string _folder;

    /// <summary>Makes the place.</summary>
    /// <param name="options">Which replica, and where temporary files may be.</param>
    public TemporaryCopy(VerificationOptions options)
    {
        _source = options.Source;
        string parent = options.TemporaryFolder ?? System.IO.Path.GetTempPath();
        _folder = System.IO.Path.Combine(parent, "litestream-test-" + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RestoreTargetUnusableException(
                $"No temporary copy can be made in '{parent}': {e.Message} Nothing was tested by restoring. Name another folder.", e)
            { File = parent };
        }
    }

    /// <summary>Full path of the copy.</summary>
    public string Path => System.IO.Path.Combine(_folder, "copy.db");

    /// <summary>Restores and checks with <c>integrity_check</c>.</summary>
    /// <param name="targetTxid">Last transaction id; null for the newest.</param>
    /// <param name="progress">Told how far it is; may be null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<RestoreResult> RestoreAsync(ulong? targetTxid, IProgress<RestoreProgress>? progress, CancellationToken cancellationToken) =>
        DatabaseRestorer.RestoreAsync(
            new RestoreOptions
            {
                Source = _source,
                OutputPath = Path,
                TargetTxid = targetTxid,
                IntegrityCheck = IntegrityCheck.Full,
                SeedLocalState = false,
            },
            progress,
            cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
