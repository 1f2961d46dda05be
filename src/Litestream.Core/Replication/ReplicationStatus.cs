namespace Litestream.Replication;

/// <summary>One replication at one moment. Immutable.</summary>
public sealed record ReplicationStatus
{
    /// <summary>Full path of the database.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>The replica's place, without any secret.</summary>
    public required string Destination { get; init; }

    /// <summary>What it is doing.</summary>
    public ReplicationState State { get; init; }

    /// <summary>What it is doing in words, where the state alone does not say: "base image 45 %", "staging is full". Null otherwise.</summary>
    public string? Detail { get; init; }

    /// <summary>Whether the database was switched to WAL mode, in which it was not before.</summary>
    public bool SwitchedToWal { get; init; }

    /// <summary>Something that is not wrong yet but should be mended, or null.</summary>
    public string? Warning { get; init; }

    /// <summary>When the state became what it is (UTC).</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When the replication began (UTC).</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>The last transaction id captured locally; 0 for none.</summary>
    public ulong CapturedTxid { get; init; }

    /// <summary>The last transaction id that is whole and durable in the replica; 0 for none.</summary>
    public ulong ReplicaTxid { get; init; }

    /// <summary>Age of the oldest captured transaction that is not in the replica yet; zero when all is there.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Bytes captured but not in the replica yet.</summary>
    public long LagBytes { get; init; }

    /// <summary>Size of the WAL file in bytes.</summary>
    public long WalSize { get; init; }

    /// <summary>SQLite transactions captured since the replication began.</summary>
    public long Transactions { get; init; }

    /// <summary>Pages captured since the replication began, the base image's included.</summary>
    public long Pages { get; init; }

    /// <summary>Files written to the replica since the replication began.</summary>
    public long FilesUploaded { get; init; }

    /// <summary>Bytes written to the replica since the replication began.</summary>
    public long BytesUploaded { get; init; }

    /// <summary>Full images sent since the replication began.</summary>
    public int BaseImages { get; init; }

    /// <summary>How often every page was read and compared because the WAL alone could not prove continuity.</summary>
    public int Scans { get; init; }

    /// <summary>When the replica was last known to hold everything captured (UTC); null for never.</summary>
    public DateTimeOffset? LastSyncAt { get; init; }

    /// <summary>The last error's message, kept after it has passed; null for none.</summary>
    public string? LastError { get; init; }

    /// <summary>The last error's stable id.</summary>
    public string? LastErrorId { get; init; }

    /// <summary>When the last error happened (UTC).</summary>
    public DateTimeOffset? LastErrorAt { get; init; }
}
