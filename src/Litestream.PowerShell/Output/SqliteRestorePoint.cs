namespace Litestream.PowerShell;

/// <summary>An instant that a replica can be restored to.</summary>
public sealed record SqliteRestorePoint
{
    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>The transaction id; 0 in a replica of Litestream 0.3, which has none: such a point is named by its time.</summary>
    public ulong Txid { get; init; }

    /// <summary>The generation, 16 hex digits, in a replica of Litestream 0.3; empty in any other.</summary>
    public string Generation { get; init; } = "";

    /// <summary>When it was captured (local time).</summary>
    public DateTime Timestamp { get; init; }

    /// <summary>0 while each capture stands by itself, 1 to 8 at the end of a merge, 9 for a full image.</summary>
    public int Level { get; init; }

    /// <summary>Transaction id, or generation, and time.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{(Generation.Length > 0 ? $"generation {Generation}" : FormattableString.Invariant($"TXID {Txid}"))} of {Timestamp:yyyy-MM-dd HH:mm:ss.fff}");
}
