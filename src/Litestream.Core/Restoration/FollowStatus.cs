namespace Litestream.Restoration;

/// <summary>A follower at one moment.</summary>
/// <param name="Txid">The transaction that the copy stands at.</param>
/// <param name="ReplicaTxid">The last transaction in the replica, as it was listed last.</param>
/// <param name="Timestamp">When the copy's transaction was captured (UTC).</param>
/// <param name="Lag">How much older the copy is than the replica's newest transaction; zero when it has it.</param>
/// <param name="Trouble">Why it does not go on just now; null if it does. It tries again.</param>
public sealed record FollowStatus(ulong Txid, ulong ReplicaTxid, DateTimeOffset Timestamp, TimeSpan Lag, string? Trouble);
