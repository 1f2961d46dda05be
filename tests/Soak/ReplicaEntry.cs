namespace Litestream.Tests.Soak;

/// <summary>One file of a replica.</summary>
internal sealed record ReplicaEntry(int Level, string Name, ulong MinTxid, ulong MaxTxid, DateTimeOffset Timestamp, long Size);
