namespace Litestream.State;

/// <summary>
/// What was captured last: which transaction id, which file, and where in the WAL it ended.
/// </summary>
/// <param name="Txid">The transaction id.</param>
/// <param name="FileChecksum">The file checksum of the replica file that ends with it: proves that a replica's file is that one.</param>
/// <param name="Salt1">First salt of the WAL's generation; both 0 if the position is not known.</param>
/// <param name="Salt2">Second salt.</param>
/// <param name="MaxFrame">Last frame captured.</param>
/// <param name="Checksum1">First word of that frame's cumulative checksum.</param>
/// <param name="Checksum2">Second word.</param>
/// <param name="PageCount">Size of the database in pages.</param>
/// <param name="PageSize">Page size in bytes.</param>
internal readonly record struct HeadRecord(
    ulong Txid,
    ulong FileChecksum,
    uint Salt1,
    uint Salt2,
    uint MaxFrame,
    uint Checksum1,
    uint Checksum2,
    uint PageCount,
    int PageSize);
