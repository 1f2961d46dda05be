using Litestream.Restoration;

namespace Litestream.PowerShell;

/// <summary>A copy that follows a replica, after one of its steps.</summary>
public sealed class SqliteFollow
{
    /// <summary>Full path of the copy.</summary>
    public required string Path { get; init; }

    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>The transaction that the copy stands at.</summary>
    public required ulong Txid { get; init; }

    /// <summary>The last transaction in the replica.</summary>
    public required ulong ReplicaTxid { get; init; }

    /// <summary>When the copy's transaction was captured (local time).</summary>
    public required DateTime Timestamp { get; init; }

    /// <summary>How much older the copy is than the replica's newest transaction.</summary>
    public required TimeSpan Lag { get; init; }

    /// <summary>Why it does not go on just now; null if it does.</summary>
    public string? Trouble { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Path} (TXID {Txid} of {ReplicaTxid})";

    internal static SqliteFollow From(FollowOptions options, FollowStatus status) => new()
    {
        Path = options.OutputPath,
        Source = options.Source.Address,
        Txid = status.Txid,
        ReplicaTxid = status.ReplicaTxid,
        Timestamp = status.Timestamp.LocalDateTime,
        Lag = status.Lag,
        Trouble = status.Trouble,
    };
}
