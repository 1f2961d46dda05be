namespace Litestream.Tests.Soak;

/// <summary>What a replicator says of one database.</summary>
internal sealed record SubjectStatus
{
    public required string Path { get; init; }

    public required string State { get; init; }

    public TimeSpan Lag { get; init; }

    public ulong CapturedTxid { get; init; }

    public ulong ReplicaTxid { get; init; }

    /// <summary>Since the replication began; less than before after a restart.</summary>
    public long FilesUploaded { get; init; }

    public long BytesUploaded { get; init; }

    public int BaseImages { get; init; }

    public int Scans { get; init; }

    public string? LastError { get; init; }

    public int ProcessId { get; init; }
}
