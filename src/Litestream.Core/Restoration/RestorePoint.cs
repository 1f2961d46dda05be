namespace Litestream.Restoration;

/// <summary>An instant that a replica can be restored to: the state after one transaction.</summary>
/// <param name="Txid">The transaction id.</param>
/// <param name="Timestamp">When it was captured (UTC, whole milliseconds).</param>
/// <param name="Level">The lowest level with a file that ends there: 0 while each capture stands by itself, 9 for a full image.</param>
public sealed record RestorePoint(ulong Txid, DateTimeOffset Timestamp, int Level);
