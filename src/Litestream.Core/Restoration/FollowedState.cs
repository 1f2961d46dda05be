namespace Litestream.Restoration;

/// <summary>A state of the database that a follower's copy can stand at.</summary>
/// <param name="Txid">The transaction id; 0 for a state that is not known.</param>
/// <param name="Timestamp">When it was captured, in Unix milliseconds: another replica's transaction of that number has another time.</param>
/// <param name="NodeId">Of the file that led to it; 0 where Litestream wrote it. Another's files are never applied on it without comparing.</param>
internal sealed record FollowedState(ulong Txid, long Timestamp, ulong NodeId)
{
    /// <summary>Nothing is known of the copy.</summary>
    public static FollowedState Unknown { get; } = new(0, 0, 0);

    /// <summary>Whether a listed file ends with this very state.</summary>
    /// <param name="txid">Its last transaction.</param>
    /// <param name="timestamp">Its time.</param>
    public bool Is(ulong txid, DateTimeOffset timestamp) => Txid == txid && Timestamp == timestamp.ToUnixTimeMilliseconds();
}
