using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>What to restore, and where to.</summary>
public sealed record RestoreOptions
{
    /// <summary>The replica's place.</summary>
    public required ReplicaLocation Source { get; init; }

    /// <summary>Path of the database file to make.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Replace an existing database, once the new one is whole and verified.</summary>
    public bool Force { get; init; }

    /// <summary>Last transaction id to restore; null for the newest.</summary>
    public ulong? TargetTxid { get; init; }

    /// <summary>
    /// Instead of <see cref="TargetTxid"/>: the newest transaction that can be restored and was captured at or before this time.
    /// </summary>
    public DateTimeOffset? TargetTime { get; init; }

    /// <summary>What SQLite itself checks before the result takes its place.</summary>
    public IntegrityCheck IntegrityCheck { get; init; }

    /// <summary>Write the local state beside the result, so that replication after this restore sends only what changed.</summary>
    public bool SeedLocalState { get; init; } = true;

    /// <summary>Leave the file alone that says where a follower's copy stands.</summary>
    internal bool ForFollower { get; init; }

    /// <summary>The result is read and deleted: it need not outlive a loss of power, so nothing waits for the disk.</summary>
    internal bool IsTemporary { get; init; }

    /// <summary>Told of each file of the plan when it was read to its end and met its checksums; one at a time.</summary>
    internal Action<ReplicaFile, LtxScanner>? FileRead { get; init; }
}
