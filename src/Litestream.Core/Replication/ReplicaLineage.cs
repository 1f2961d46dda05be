using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>What stands in the replica at a start, and whether it is of our lineage.</summary>
/// <remarks>
/// Two things tell our files from another replicator's: the node id in each header, drawn at random when a local state is made
/// (a restore draws a new one), and the file checksum of the last transaction that the local state knows. A replica continues
/// our state if the file that ends at a transaction we know has the checksum we know, and everything behind it is of our node id
/// (written by us before a power cut took the local copy).
/// </remarks>
internal sealed class ReplicaLineage
{
    private const int MostLookedAt = 100;

    private readonly IReplicaStore _store;
    private readonly List<ReplicaFile> _files;

    private ReplicaLineage(IReplicaStore store, List<ReplicaFile> files)
    {
        _store = store;
        _files = files;
        HeadTxid = files.Count == 0 ? 0 : files.Max(file => file.Name.MaxTxid);
    }

    /// <summary>Every file of the replica, all levels.</summary>
    public IReadOnlyList<ReplicaFile> Files => _files;

    /// <summary>The last transaction id in the replica; 0 for an empty one.</summary>
    public ulong HeadTxid { get; }

    /// <summary>Lists a replica: one request a level.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public static async Task<ReplicaLineage> ReadAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        return new ReplicaLineage(store, await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The captured file of one transaction, or null.</summary>
    /// <param name="txid">The transaction id.</param>
    public ReplicaFile? Captured(ulong txid) =>
        _files.Find(file => file.Level == 0 && file.Name.MinTxid == txid && file.Name.MaxTxid == txid);

    /// <summary>The merged file with a transaction that reaches furthest, or null.</summary>
    /// <param name="txid">The transaction id.</param>
    public ReplicaFile? Merged(ulong txid) => _files
        .Where(file => file.Level is > 0 and < LtxFileName.SnapshotLevel && file.Name.MinTxid <= txid && file.Name.MaxTxid >= txid)
        .MaxBy(file => file.Name.MaxTxid);

    /// <summary>The newest full image that ends behind a transaction, or null.</summary>
    /// <param name="txid">The transaction id.</param>
    public ReplicaFile? NewestImageAfter(ulong txid) =>
        _files.Where(file => file.Level == LtxFileName.SnapshotLevel && file.Name.MaxTxid > txid).MaxBy(file => file.Name.MaxTxid);

    /// <summary>
    /// Whether a file that ends with a transaction has this checksum. False only if the captured file has another; null if that is gone:
    /// a merged file or a full image that ends there has a checksum of its own, which tells nothing against it.
    /// </summary>
    /// <param name="txid">The transaction id.</param>
    /// <param name="fileChecksum">The checksum.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<bool?> EndsWithAsync(ulong txid, ulong fileChecksum, CancellationToken cancellationToken)
    {
        bool? found = null;
        foreach (ReplicaFile file in _files.Where(file => file.Name.MaxTxid == txid))
        {
            if (await ReadFileChecksumAsync(file, cancellationToken).ConfigureAwait(false) == fileChecksum)
            {
                return true;
            }

            found = file.Level == 0 ? false : found;
        }

        return found;
    }

    /// <summary>Whether the newest file carries a node id.</summary>
    /// <param name="nodeId">The node id.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<bool> HeadIsOfAsync(ulong nodeId, CancellationToken cancellationToken)
    {
        foreach (ReplicaFile file in _files.Where(file => file.Name.MaxTxid == HeadTxid))
        {
            if (await IsOfAsync(file, nodeId, cancellationToken).ConfigureAwait(false))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether any of the newest files, as far as they can be read, carries a node id.</summary>
    /// <param name="nodeId">The node id.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<bool> HasFileOfAsync(ulong nodeId, CancellationToken cancellationToken)
    {
        foreach (ReplicaFile file in _files.OrderByDescending(file => file.Name.MaxTxid).Take(MostLookedAt))
        {
            try
            {
                if (await IsOfAsync(file, nodeId, cancellationToken).ConfigureAwait(false))
                {
                    return true;
                }
            }
            catch (LtxFormatException)
            {
                // this one is damaged; another may tell
            }
        }

        return false;
    }

    /// <summary>The node id of the newest file; 0 if its writer gives none, or there is no file.</summary>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<ulong> NewestNodeIdAsync(CancellationToken cancellationToken) =>
        _files.Find(file => file.Name.MaxTxid == HeadTxid) is { } newest
            ? await ReadNodeIdAsync(newest, cancellationToken).ConfigureAwait(false)
            : 0;

    /// <summary>Whether a file carries a node id.</summary>
    /// <param name="file">The file.</param>
    /// <param name="nodeId">The node id.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<bool> IsOfAsync(ReplicaFile file, ulong nodeId, CancellationToken cancellationToken) =>
        await ReadNodeIdAsync(file, cancellationToken).ConfigureAwait(false) == nodeId;

    /// <summary>The error for a replica that is not ours to continue.</summary>
    /// <param name="database">Full path of the database.</param>
    /// <param name="reason">What was found, as a clause.</param>
    public ReplicaConflictException Conflict(string database, string reason) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"The replica '{_store.Location}' (at transaction {HeadTxid}) {reason}. Nothing was written to it, and the database was not changed. Choose another destination for '{database}'; or restore the database from this replica first (Restore-SqliteDatabase); or, if it truly is this database's replica, start with -AdoptReplica: every page is compared then and the difference becomes the next transaction."))
    { Database = database, Replica = _store.Location, Txid = HeadTxid };

    /// <summary>Reads a file's header.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="LtxFormatException">It is damaged.</exception>
    public static async Task<LtxHeader> ReadHeaderAsync(IReplicaStore store, ReplicaFile file, CancellationToken cancellationToken)
    {
        byte[] bytes = await ReadRangeAsync(store, file, 0, LtxHeader.Length, cancellationToken).ConfigureAwait(false);
        return LtxHeader.Parse(bytes, file.Name.ToString());
    }

    private async Task<ulong> ReadNodeIdAsync(ReplicaFile file, CancellationToken cancellationToken) =>
        (await ReadHeaderAsync(_store, file, cancellationToken).ConfigureAwait(false)).NodeId;

    private async Task<ulong> ReadFileChecksumAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        byte[] bytes = await ReadRangeAsync(_store, file, Math.Max(0, file.Size - sizeof(ulong)), sizeof(ulong), cancellationToken).ConfigureAwait(false);
        return bytes.Length == sizeof(ulong) ? System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;
    }

    private static async Task<byte[]> ReadRangeAsync(
        IReplicaStore store, ReplicaFile file, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, offset, length, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            int read = await stream.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return bytes[..read];
        }
    }
}
