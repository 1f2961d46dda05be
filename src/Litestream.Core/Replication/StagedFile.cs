using Litestream.Ltx;

namespace Litestream.Replication;

/// <summary>A captured file in the local state folder, on its way to the replica.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Length in bytes.</param>
/// <param name="Timestamp">When it was captured (UTC, whole milliseconds), as in its header.</param>
/// <param name="FileChecksum">The checksum in its trailer.</param>
internal sealed record StagedFile(LtxFileName Name, long Length, DateTimeOffset Timestamp, ulong FileChecksum)
{
    /// <summary>The transaction id that it ends with.</summary>
    public ulong Txid => Name.MaxTxid;
}
