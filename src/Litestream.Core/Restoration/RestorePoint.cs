namespace Litestream.Restoration;

/// <summary>An instant that a replica can be restored to: the state after one transaction.</summary>
/// <param name="Txid">The transaction id; 0 in a replica of Litestream 0.3, which has none: such a point is named by its time.</param>
/// <param name="Timestamp">When it was captured (UTC, whole milliseconds).</param>
/// <param name="Level">The lowest level with a file that ends there: 0 while each capture stands by itself, 9 for a full image.</param>
/// <param name="Generation">The generation of Litestream 0.3, 16 hex digits; null in every other replica.</param>
public sealed record RestorePoint(ulong Txid, DateTimeOffset Timestamp, int Level, string? Generation = null);
