using Litestream.Replication;

namespace Litestream.PowerShell;

/// <summary>One destination of a replication at one moment. Test-SqliteReplica and Restore-SqliteDatabase take it from the pipeline.</summary>
public sealed record SqliteReplicationDestination
{
    private readonly int _state;
    private readonly int? _lastVerifyOutcome;

    /// <summary>Full path of the database.</summary>
    public required string Path { get; init; }

    /// <summary>The replica's place.</summary>
    public required string Destination { get; init; }

    /// <summary>Starting, Streaming or Retrying.</summary>
    public ReplicationState State
    {
        get => (ReplicationState)_state;
        init => _state = (int)value;
    }

    /// <summary>What is being done in words, where the state alone does not say; null otherwise.</summary>
    public string? Detail { get; init; }

    /// <summary>The last transaction id that is durable in this replica; 0 for none.</summary>
    public ulong ReplicaTxid { get; init; }

    /// <summary>Age of the oldest captured transaction that is not in this replica yet; zero when all is there.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Bytes captured but not in this replica yet.</summary>
    public long LagBytes { get; init; }

    /// <summary>When the state became what it is (local time).</summary>
    public DateTime Since { get; init; }

    /// <summary>Files written to this replica since the replication began.</summary>
    public long FilesUploaded { get; init; }

    /// <summary>Bytes written to this replica since the replication began.</summary>
    public long BytesUploaded { get; init; }

    /// <summary>Full images sent to this replica as a new base.</summary>
    public int BaseImages { get; init; }

    /// <summary>When this replica was last known to hold everything captured (local time); null for never.</summary>
    public DateTime? LastSyncAt { get; init; }

    /// <summary>When this replica was last proven to restore to the live database, byte for byte (local time); null for never.</summary>
    public DateTime? LastVerifiedAt { get; init; }

    /// <summary>The transaction id up to which that was proven; 0 for none.</summary>
    public ulong VerifiedTxid { get; init; }

    /// <summary>What came of the last test: Pass, Fail, or Inconclusive where nothing could be proven; null for none.</summary>
    public VerificationOutcome? LastVerifyOutcome
    {
        get => (VerificationOutcome?)_lastVerifyOutcome;
        init => _lastVerifyOutcome = (int?)value;
    }

    /// <summary>What the last test found wrong or could not prove; null if nothing.</summary>
    public string? LastVerifyError { get; init; }

    /// <summary>The last error's message, kept after it has passed; null for none.</summary>
    public string? LastError { get; init; }

    /// <summary>The last error's stable id; null for none.</summary>
    public string? LastErrorId { get; init; }

    /// <summary>When the last error happened (local time); null for never.</summary>
    public DateTime? LastErrorAt { get; init; }

    /// <summary>Makes the output object of a status.</summary>
    /// <param name="status">From the replicator.</param>
    /// <param name="database">Full path of the database.</param>
    internal static SqliteReplicationDestination From(DestinationStatus status, string database) => new()
    {
        Path = database,
        Destination = status.Destination,
        State = status.State,
        Detail = status.Detail,
        ReplicaTxid = status.ReplicaTxid,
        Lag = status.Lag,
        LagBytes = status.LagBytes,
        Since = status.Since.LocalDateTime,
        FilesUploaded = status.FilesUploaded,
        BytesUploaded = status.BytesUploaded,
        BaseImages = status.BaseImages,
        LastSyncAt = status.LastSyncAt?.LocalDateTime,
        LastVerifiedAt = status.LastVerifiedAt?.LocalDateTime,
        VerifiedTxid = status.VerifiedTxid,
        LastVerifyOutcome = status.LastVerifyOutcome,
        LastVerifyError = status.LastVerifyError,
        LastError = status.LastError,
        LastErrorId = status.LastErrorId,
        LastErrorAt = status.LastErrorAt?.LocalDateTime,
    };

    /// <summary>Destination and state.</summary>
    public override string ToString() => $"{Destination} ({State})";
}
