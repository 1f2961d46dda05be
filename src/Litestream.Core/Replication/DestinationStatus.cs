using Litestream.Maintenance;

namespace Litestream.Replication;

/// <summary>One destination of a replication at one moment. Immutable.</summary>
public sealed record DestinationStatus
{
    /// <summary>The replica's place, without any secret.</summary>
    public required string Destination { get; init; }

    /// <summary>
    /// <see cref="ReplicationState.Starting"/>, <see cref="ReplicationState.Streaming"/>, <see cref="ReplicationState.Retrying"/> or
    /// <see cref="ReplicationState.Damaged"/>.
    /// </summary>
    public ReplicationState State { get; init; }

    /// <summary>What is being done in words, where the state alone does not say: "full image 45 %". Null otherwise.</summary>
    public string? Detail { get; init; }

    /// <summary>When the state became what it is (UTC).</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>The last transaction id that is whole and durable in the replica; 0 for none.</summary>
    public ulong ReplicaTxid { get; init; }

    /// <summary>Age of the oldest captured transaction that is not in the replica yet; zero when all is there.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Bytes captured but not in the replica yet.</summary>
    public long LagBytes { get; init; }

    /// <summary>Files written to the replica since the replication began.</summary>
    public long FilesUploaded { get; init; }

    /// <summary>Bytes written to the replica since the replication began.</summary>
    public long BytesUploaded { get; init; }

    /// <summary>Full images sent as a new base since the replication began.</summary>
    public int BaseImages { get; init; }

    /// <summary>When the replica was last known to hold everything captured (UTC); null for never.</summary>
    public DateTimeOffset? LastSyncAt { get; init; }

    /// <summary>When the replica was last proven to restore to the live database, byte for byte (UTC); null for never.</summary>
    public DateTimeOffset? LastVerifiedAt { get; init; }

    /// <summary>The transaction id up to which that was proven; 0 for none.</summary>
    public ulong VerifiedTxid { get; init; }

    /// <summary>When the replica was last tested, whatever came of it (UTC); null for never.</summary>
    public DateTimeOffset? LastVerifyAt { get; init; }

    /// <summary>What came of the last test; null for none.</summary>
    public VerificationOutcome? LastVerifyOutcome { get; init; }

    /// <summary>What the last test found wrong or could not prove; null if nothing.</summary>
    public string? LastVerifyError { get; init; }

    /// <summary>How its captured files stood to retention when that was last looked after.</summary>
    internal RetentionCount Captures { get; init; }

    /// <summary>The last error's message, kept after it has passed; null for none.</summary>
    public string? LastError { get; init; }

    /// <summary>The last error's stable id.</summary>
    public string? LastErrorId { get; init; }

    /// <summary>When the last error happened (UTC).</summary>
    public DateTimeOffset? LastErrorAt { get; init; }

    /// <summary>As it is to be shown: what streams into a replica that failed its last test is not well.</summary>
    internal DestinationStatus Judged() => State == ReplicationState.Streaming && LastVerifyOutcome == VerificationOutcome.Fail
        ? this with { State = ReplicationState.Damaged, Since = LastVerifyAt ?? Since, Detail = LastVerifyError }
        : this;
}
