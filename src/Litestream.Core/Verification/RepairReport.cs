namespace Litestream.Verification;

/// <summary>What a repair found and did.</summary>
/// <param name="Before">The test of the replica's files before.</param>
/// <param name="After">The same afterwards; the same object where nothing was done.</param>
/// <param name="Txid">The transaction that the replica ends with now; 0 where nothing was done.</param>
/// <param name="Deleted">Damaged files that were deleted, as level and name.</param>
/// <param name="BytesSent">Bytes of the files that were sent.</param>
/// <param name="IsFullImage">Whether that was a full image; else only what differs from the last good point.</param>
public sealed record RepairReport(
    VerificationReport Before, VerificationReport After, ulong Txid, IReadOnlyList<string> Deleted, long BytesSent, bool IsFullImage);
