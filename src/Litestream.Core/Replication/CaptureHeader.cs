using Litestream.Ltx;
using Litestream.Sqlite;

namespace Litestream.Replication;

/// <summary>Makes the header of a captured file. Its WAL fields say where the capture ended, which is how a test of the replica finds the same instant in the live database.</summary>
internal static class CaptureHeader
{
    /// <summary>The header of a file that brings the database to a position.</summary>
    /// <param name="to">The position.</param>
    /// <param name="minTxid">First transaction id; 1 for a full image.</param>
    /// <param name="maxTxid">Last transaction id.</param>
    /// <param name="walStart">Offset in the WAL where the captured frames begin.</param>
    /// <param name="timestamp">When it was captured.</param>
    /// <param name="nodeId">Whose file it is.</param>
    public static LtxHeader Create(
        in WalPosition to, ulong minTxid, ulong maxTxid, long walStart, DateTimeOffset timestamp, ulong nodeId) => new()
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = to.PageSize,
            Commit = to.PageCount,
            MinTxid = minTxid,
            MaxTxid = maxTxid,
            Timestamp = timestamp.ToUnixTimeMilliseconds(),
            WalOffset = to.HasGeneration ? walStart : 0,
            WalSize = to.HasGeneration ? to.EndOffset - walStart : 0,
            WalSalt1 = to.Salt1,
            WalSalt2 = to.Salt2,
            NodeId = nodeId,
        };
}
