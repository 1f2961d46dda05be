namespace Litestream.Ltx;

/// <summary>Where a page stands in a replica file.</summary>
/// <param name="PageNumber">1 or more.</param>
/// <param name="Offset">Where its page header begins, in bytes from the start of the file.</param>
/// <param name="Size">Bytes that it takes there, page header included.</param>
public readonly record struct LtxPageIndexEntry(uint PageNumber, long Offset, int Size);
