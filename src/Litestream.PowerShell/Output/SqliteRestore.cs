using Litestream.Restoration;

namespace Litestream.PowerShell;

/// <summary>What a restore did.</summary>
public sealed record SqliteRestore
{
    /// <summary>Full path of the restored database.</summary>
    public required string Path { get; init; }

    /// <summary>The replica that it came from.</summary>
    public required string Source { get; init; }

    /// <summary>Its transaction id; 0 from a replica of Litestream 0.3, which has none.</summary>
    public ulong Txid { get; init; }

    /// <summary>The generation, 16 hex digits, from a replica of Litestream 0.3; empty from any other.</summary>
    public string Generation { get; init; } = "";

    /// <summary>When that transaction was captured (local time).</summary>
    public DateTime Timestamp { get; init; }

    /// <summary>Pages of the database.</summary>
    public uint Pages { get; init; }

    /// <summary>Page size in bytes.</summary>
    public int PageSize { get; init; }

    /// <summary>Size of the database in bytes.</summary>
    public long Size { get; init; }

    /// <summary>Replica files read.</summary>
    public int Files { get; init; }

    /// <summary>Bytes read from the replica.</summary>
    public long BytesRead { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Makes the output object.</summary>
    /// <param name="source">The replica's place.</param>
    /// <param name="result">From the restorer.</param>
    internal static SqliteRestore From(string source, RestoreResult result) => new()
    {
        Path = result.Path,
        Source = source,
        Txid = result.Txid,
        Generation = result.Generation ?? "",
        Timestamp = result.Timestamp.LocalDateTime,
        Pages = result.Pages,
        PageSize = result.PageSize,
        Size = (long)result.Pages * result.PageSize,
        Files = result.Files,
        BytesRead = result.BytesRead,
        Elapsed = result.Elapsed,
    };

    /// <summary>Path and transaction id or generation.</summary>
    public override string ToString() => $"{Path} ({(Generation.Length > 0 ? $"generation {Generation}" : $"TXID {Txid}")})";
}
