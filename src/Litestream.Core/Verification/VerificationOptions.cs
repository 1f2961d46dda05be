using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Verification;

/// <summary>Which replica to test, and how deep.</summary>
public sealed record VerificationOptions
{
    /// <summary>The replica's place.</summary>
    public required ReplicaLocation Source { get; init; }

    /// <summary>The live database; needed for <see cref="VerificationDepth.Compare"/>.</summary>
    public string? DatabasePath { get; init; }

    /// <summary>How deep.</summary>
    public VerificationDepth Depth { get; init; } = VerificationDepth.Restore;

    /// <summary>What SQLite itself checks of the restored copy.</summary>
    public IntegrityCheck IntegrityCheck { get; init; } = IntegrityCheck.Full;

    /// <summary>Folder for the temporary copy; null for the system's.</summary>
    public string? TemporaryFolder { get; init; }

    /// <summary>
    /// The replicator of this database runs in this process, and has seen to it that nobody else here has the file open. Its connections and
    /// ours are one library's, which keeps their locks apart.
    /// </summary>
    internal bool BesideReplicator { get; init; }

    /// <summary>How long <see cref="VerificationDepth.Compare"/> waits for the replica to reach the pinned state.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
