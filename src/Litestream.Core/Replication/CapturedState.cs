using Litestream.Sqlite;

namespace Litestream.Replication;

/// <summary>The last transaction captured.</summary>
/// <param name="Txid">Its transaction id.</param>
/// <param name="FileChecksum">File checksum of the replica file that ends with it.</param>
/// <param name="PageCount">Size of the database in pages after it.</param>
/// <param name="Position">Where in the WAL it ended.</param>
internal readonly record struct CapturedState(ulong Txid, ulong FileChecksum, uint PageCount, WalPosition Position);
