namespace Litestream.Replication;

/// <summary>One replication at one moment. Immutable.</summary>
public sealed record ReplicationStatus
{
    /// <summary>Full path of the database.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>Each destination by itself, in the order of the options.</summary>
    public required IReadOnlyList<DestinationStatus> Destinations { get; init; }

    /// <summary>The replicas' places, without any secret, with commas between them.</summary>
    public string Destination => string.Join(", ", Destinations.Select(place => place.Destination));

    /// <summary>What it is doing: the worst of what is said of the database and of each destination.</summary>
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

    /// <summary>The last transaction id that is whole and durable in every replica; 0 for none.</summary>
    public ulong ReplicaTxid { get; init; }

    /// <summary>Age of the oldest captured transaction that is not in every replica yet; zero when all is there.</summary>
    public TimeSpan Lag { get; init; }

    /// <summary>Bytes captured but not in every replica yet.</summary>
    public long LagBytes { get; init; }

    /// <summary>Size of the WAL file in bytes.</summary>
    public long WalSize { get; init; }

    /// <summary>SQLite transactions captured since the replication began.</summary>
    public long Transactions { get; init; }

    /// <summary>Pages captured since the replication began, the base image's included.</summary>
    public long Pages { get; init; }

    /// <summary>Files written to all replicas since the replication began.</summary>
    public long FilesUploaded { get; init; }

    /// <summary>Bytes written to all replicas since the replication began.</summary>
    public long BytesUploaded { get; init; }

    /// <summary>Full images sent since the replication began.</summary>
    public int BaseImages { get; init; }

    /// <summary>How often every page was read and compared because the WAL alone could not prove continuity.</summary>
    public int Scans { get; init; }

    /// <summary>When every replica was last known to hold everything captured (UTC); null for never.</summary>
    public DateTimeOffset? LastSyncAt { get; init; }

    /// <summary>When every replica was last proven to restore to the live database, byte for byte (UTC); null if one never was.</summary>
    public DateTimeOffset? LastVerifiedAt { get; init; }

    /// <summary>The transaction id up to which that was proven of every replica; 0 for none.</summary>
    public ulong VerifiedTxid { get; init; }

    /// <summary>The worst outcome of the replicas' last tests; null if there was none.</summary>
    public VerificationOutcome? LastVerifyOutcome { get; init; }

    /// <summary>What the last test of a replica found wrong or could not prove; null if nothing.</summary>
    public string? LastVerifyError { get; init; }

    /// <summary>The last error's message, kept after it has passed; null for none.</summary>
    public string? LastError { get; init; }

    /// <summary>The last error's stable id.</summary>
    public string? LastErrorId { get; init; }

    /// <summary>When the last error happened (UTC).</summary>
    public DateTimeOffset? LastErrorAt { get; init; }

    /// <summary>It is failing for want of room on the database's own disk.</summary>
    internal bool DiskFull { get; init; }

    /// <summary>The whole from its parts.</summary>
    /// <param name="places">The destinations.</param>
    internal ReplicationStatus With(IReadOnlyList<DestinationStatus> places)
    {
        places = [.. places.Select(place => place.Judged())];
        DestinationStatus? doubted = places.FirstOrDefault(place => place.LastVerifyOutcome == VerificationOutcome.Fail)
            ?? places.FirstOrDefault(place => place.LastVerifyOutcome == VerificationOutcome.Inconclusive)
            ?? places.FirstOrDefault(place => place.LastVerifyOutcome is not null);
        DestinationStatus worst = places.MaxBy(place => Severity(place.State))!;
        bool theirs = Severity(worst.State) > Severity(State);
        DestinationStatus? failed = places.Where(place => place.LastErrorAt is not null).MaxBy(place => place.LastErrorAt);
        failed = failed?.LastErrorAt >= (LastErrorAt ?? DateTimeOffset.MinValue) ? failed : null;
        return this with
        {
            Destinations = places,
            State = theirs ? worst.State : State,
            Detail = Detail ?? (Severity(worst.State) >= Severity(State) ? worst.Detail : null),
            Since = theirs ? worst.Since : Since,
            ReplicaTxid = places.Min(place => place.ReplicaTxid),
            Lag = places.Max(place => place.Lag),
            LagBytes = places.Max(place => place.LagBytes),
            FilesUploaded = places.Sum(place => place.FilesUploaded),
            BytesUploaded = places.Sum(place => place.BytesUploaded),
            BaseImages = places.Sum(place => place.BaseImages),
            LastSyncAt = places.All(place => place.LastSyncAt is not null) ? places.Min(place => place.LastSyncAt) : null,
            LastVerifiedAt = places.All(place => place.LastVerifiedAt is not null) ? places.Min(place => place.LastVerifiedAt) : null,
            VerifiedTxid = places.Min(place => place.VerifiedTxid),
            LastVerifyOutcome = doubted?.LastVerifyOutcome,
            LastVerifyError = doubted?.LastVerifyError,
            LastError = failed is null ? LastError : failed.LastError,
            LastErrorId = failed is null ? LastErrorId : failed.LastErrorId,
            LastErrorAt = failed is null ? LastErrorAt : failed.LastErrorAt,
        };
    }

    private static int Severity(ReplicationState state) => state switch
    {
        ReplicationState.Streaming => 0,
        ReplicationState.Starting => 1,
        ReplicationState.Retrying => 2,
        ReplicationState.Damaged => 3,
        _ => 4,
    };
}
