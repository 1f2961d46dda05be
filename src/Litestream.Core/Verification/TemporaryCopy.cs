using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>
/// A place for a restored copy that goes when the test has ended. Nobody else may enter it: the copy holds all that the database does.
/// </summary>
/// <remarks>
/// A killed test leaves its folder behind. The next test removes it, and knows it from one that another process uses by a file that this one
/// holds locked (<c>flock</c>, or sharing on Windows), which the system lets go of however the process ends.
/// </remarks>
internal sealed class TemporaryCopy : IDisposable
{
    private const string Prefix = "litestream-copy-";
    private const string LockName = "in-use";

    private readonly ReplicaLocation _source;
    private readonly Action<ReplicaFile, LtxScanner>? _fileRead;
    private readonly string _folder;
    private readonly FileStream _lock;

    /// <summary>Makes the place.</summary>
    /// <param name="options">Which replica, and where temporary files may be.</param>
    /// <param name="fileRead">Told of each file that a restore has read to its end; may be null.</param>
    public TemporaryCopy(VerificationOptions options, Action<ReplicaFile, LtxScanner>? fileRead = null)
    {
        (_source, _fileRead) = (options.Source, fileRead);
        string parent = options.TemporaryFolder ?? System.IO.Path.GetTempPath();
        _folder = System.IO.Path.Combine(parent, Prefix + Guid.NewGuid().ToString("N"));
        try
        {
            RemoveLeftovers(parent);
            CreatePrivate(_folder);
            _lock = new FileStream(System.IO.Path.Combine(_folder, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
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

    /// <summary>Restores.</summary>
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
                SeedLocalState = false,
                IsTemporary = true,
                FileRead = _fileRead,
            },
            progress,
            cancellationToken);

    /// <summary>Lets SQLite check the copy, which it does on one thread, and does something else beside it.</summary>
    /// <param name="check">What SQLite is to check.</param>
    /// <param name="source">The replica's place, for errors.</param>
    /// <param name="meanwhile">What to do beside it.</param>
    /// <param name="cancellationToken">Interrupts SQLite.</param>
    /// <exception cref="IntegrityCheckFailedException">It found something.</exception>
    public async Task CheckAsync(IntegrityCheck check, string source, Func<Task> meanwhile, CancellationToken cancellationToken)
    {
        Task checking = Task.Run(() => RestoredImageCheck.Run(Path, check, source, cancellationToken), CancellationToken.None);
        try
        {
            await meanwhile().ConfigureAwait(false);
        }
        finally
        {
            await checking.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lock.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder); // below the user's own temporary folder
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void RemoveLeftovers(string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            try
            {
                using (new FileStream(System.IO.Path.Combine(folder, LockName), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                {
                }

                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // In use, being made at this moment, or another user's.
            }
        }
    }
}
