using Litestream.Replication;

namespace Litestream.PowerShell;

/// <summary>What one run of <c>Start-SqliteReplication -Once</c> did.</summary>
public sealed record SqliteReplicationRun
{
    /// <summary>Full path of the database.</summary>
    public required string Path { get; init; }

    /// <summary>The replica's place.</summary>
    public required string Destination { get; init; }

    /// <summary>The transaction id that the replica now holds.</summary>
    public ulong Txid { get; init; }

    /// <summary>SQLite transactions captured.</summary>
    public long Transactions { get; init; }

    /// <summary>Pages captured, the base image's included.</summary>
    public long Pages { get; init; }

    /// <summary>Files written to the replica.</summary>
    public long Files { get; init; }

    /// <summary>Bytes written to the replica.</summary>
    public long Bytes { get; init; }

    /// <summary>Full images sent.</summary>
    public int BaseImages { get; init; }

    /// <summary>How often every page was read and compared because the WAL alone could not prove continuity.</summary>
    public int Scans { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Makes the output object of an ended replication.</summary>
    /// <param name="status">Its last status.</param>
    /// <param name="elapsed">From start to end.</param>
    internal static SqliteReplicationRun From(ReplicationStatus status, TimeSpan elapsed) => new()
    {
        Path = status.DatabasePath,
        Destination = status.Destination,
        Txid = status.ReplicaTxid,
        Transactions = status.Transactions,
        Pages = status.Pages,
        Files = status.FilesUploaded,
        Bytes = status.BytesUploaded,
        BaseImages = status.BaseImages,
        Scans = status.Scans,
        Elapsed = elapsed,
    };

    /// <summary>Path, destination and transaction id.</summary>
    public override string ToString() => $"{Path} -> {Destination} (TXID {Txid})";
}
