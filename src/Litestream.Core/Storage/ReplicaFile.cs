using Litestream.Ltx;

namespace Litestream.Storage;

/// <summary>One file of a replica, as a listing shows it.</summary>
/// <param name="Level">0 for captured files, 1 to 8 for merges, 9 for full images.</param>
/// <param name="Name">The range of transaction ids.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Timestamp">When its last transaction was captured (UTC, whole milliseconds).</param>
public sealed record ReplicaFile(int Level, LtxFileName Name, long Size, DateTimeOffset Timestamp);
