namespace Litestream.Restoration;

/// <summary>What a restore did.</summary>
/// <param name="Path">Full path of the restored database.</param>
/// <param name="Txid">Its transaction id.</param>
/// <param name="Timestamp">When that transaction was captured (UTC).</param>
/// <param name="Pages">Pages of the database.</param>
/// <param name="PageSize">Page size in bytes.</param>
/// <param name="Files">Replica files read.</param>
/// <param name="BytesRead">Bytes read from the replica.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="NodeId">Whose file was the newest; 0 where Litestream wrote it.</param>
/// <param name="Generation">The generation of Litestream 0.3 that was restored, which knows no transaction ids (<paramref name="Txid"/> is 0);
/// null for every other replica.</param>
public sealed record RestoreResult(
    string Path,
    ulong Txid,
    DateTimeOffset Timestamp,
    uint Pages,
    int PageSize,
    int Files,
    long BytesRead,
    TimeSpan Elapsed,
    ulong NodeId = 0,
    string? Generation = null);
