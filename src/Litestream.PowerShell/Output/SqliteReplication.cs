using Litestream.Replication;

namespace Litestream.PowerShell;

/// <summary>One replication at one moment. It does not change by itself: ask <c>Get-SqliteReplication</c> again.</summary>
public sealed record SqliteReplication
{
    private readonly int _state;
    private readonly int? _lastVerifyOutcome;

    /// <summary>Full path of the database.</summary>
    public required string Path { get; init; }

    /// <summary>The replicas' places, with commas between them.</summary>
    public required string Destination { get; init; }

    /// <summary>Each destination by itself.</summary>
    public required SqliteReplicationDestination[] Destinations { get; init; }

    /// <summary>What it is doing: the worst of what is said of the database and of each destination.</summary>
    public ReplicationState State
    {
        get => (ReplicationState)_state;
        init => _state = (int)value;
    }

    /// <summary>What it is doing in words, where the state alone does not say; null otherwise.</summary>
    public string? Detail { get; init; }

    /// <summary>The last transaction id captured; 0 for none.</summary>
    public ulong CapturedTxid { get; init; }

    /// <summary>The last transaction id that is durable in every replica; 0 for none.</summary>
    public ulong ReplicaTxid { get; init; }

    /// <summary>Age of the oldest captured transaction that is not in every replica yet; zero when all is there.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Bytes captured but not in every replica yet.</summary>
    public long LagBytes { get; init; }

    /// <summary>Size of the WAL file in bytes.</summary>
    public long WalSize { get; init; }

    /// <summary>When the state became what it is (local time).</summary>
    public DateTime Since { get; init; }

    /// <summary>When the replication began (local time).</summary>
    public DateTime StartedAt { get; init; }

    /// <summary>SQLite transactions captured since then.</summary>
    public long Transactions { get; init; }

    /// <summary>Pages captured since then, the base image's included.</summary>
    public long Pages { get; init; }

    /// <summary>Files written to all replicas since then.</summary>
    public long FilesUploaded { get; init; }

    /// <summary>Bytes written to all replicas since then.</summary>
    public long BytesUploaded { get; init; }

    /// <summary>Full images sent since then.</summary>
    public int BaseImages { get; init; }

    /// <summary>How often every page was read and compared because the WAL alone could not prove continuity.</summary>
    public int Scans { get; init; }

    /// <summary>When every replica was last known to hold everything captured (local time); null for never.</summary>
    public DateTime? LastSyncAt { get; init; }

    /// <summary>When every replica was last proven to restore to the live database, byte for byte (local time); null for never.</summary>
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

    /// <summary>Id of the process that replicates.</summary>
    public int ProcessId { get; init; }

    /// <summary>Makes the output object of a status.</summary>
    /// <param name="status">From the replicator.</param>
    /// <param name="processId">Where the replicator runs.</param>
    internal static SqliteReplication From(ReplicationStatus status, int processId) => new()
    {
        Path = status.DatabasePath,
        Destination = status.Destination,
        Destinations = [.. status.Destinations.Select(place => SqliteReplicationDestination.From(place, status.DatabasePath))],
        State = status.State,
        Detail = status.Detail,
        CapturedTxid = status.CapturedTxid,
        ReplicaTxid = status.ReplicaTxid,
        Lag = status.Lag,
        LagBytes = status.LagBytes,
        WalSize = status.WalSize,
        Since = status.Since.LocalDateTime,
        StartedAt = status.StartedAt.LocalDateTime,
        Transactions = status.Transactions,
        Pages = status.Pages,
        FilesUploaded = status.FilesUploaded,
        BytesUploaded = status.BytesUploaded,
        BaseImages = status.BaseImages,
        Scans = status.Scans,
        LastSyncAt = status.LastSyncAt?.LocalDateTime,
        LastVerifiedAt = status.LastVerifiedAt?.LocalDateTime,
        VerifiedTxid = status.VerifiedTxid,
        LastVerifyOutcome = status.LastVerifyOutcome,
        LastVerifyError = status.LastVerifyError,
        LastError = status.LastError,
        LastErrorId = status.LastErrorId,
        LastErrorAt = status.LastErrorAt?.LocalDateTime,
        ProcessId = processId,
    };

    /// <summary>Path, destination and state.</summary>
    public override string ToString() => $"{Path} -> {Destination} ({State})";
}
