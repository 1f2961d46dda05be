using Litestream.State;

namespace Litestream.Replication;

/// <summary>Where a replication starts from.</summary>
/// <param name="Table">The page checksum table, brought up to <paramref name="Txid"/>.</param>
/// <param name="BaseTxid">
/// The transaction id for a new base image, or, with a <paramref name="Txid"/>, for what leads there from it; null if the replica is continued.
/// </param>
/// <param name="Txid">The last transaction captured, or, of a damaged replica, the last good one; 0 for none.</param>
/// <param name="FileChecksum">File checksum of the file that ends with it.</param>
/// <param name="PageCount">Size of the database in pages after it.</param>
/// <param name="Replica">What the replica holds.</param>
/// <param name="Adopted">Whether no record says that the database belongs to this replica: the table is then under its temporary name.</param>
internal sealed record StartState(
    PageChecksumTable Table, ulong? BaseTxid, ulong Txid, ulong FileChecksum, uint PageCount, ReplicaLineage Replica, bool Adopted);
