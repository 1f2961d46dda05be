using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// A replica whose newest captured files are read from where they were captured, as long as they are still there: a merge then downloads none
/// of them. Everything else goes to the replica.
/// </summary>
/// <param name="store">The replica.</param>
/// <param name="folder">The local state.</param>
/// <param name="after">Only files behind this transaction: those that this session has sent itself. Of an earlier one the replica may hold another
/// file of that name, see <see cref="StartProof"/>.</param>
internal sealed class StagedFirst(IReplicaStore store, LocalStateFolder folder, ulong after) : IReplicaStore
{
    public string Location => store.Location;

    public int Concurrency => store.Concurrency;

    public IAsyncEnumerable<ReplicaFile> ListAsync(int level, CancellationToken cancellationToken) => store.ListAsync(level, cancellationToken);

    public IAsyncEnumerable<ReplicaFile> ListRoughlyAsync(int level, CancellationToken cancellationToken) => store.ListRoughlyAsync(level, cancellationToken);

    public Task<DateTimeOffset> TimeOfAsync(ReplicaFile file, CancellationToken cancellationToken) => store.TimeOfAsync(file, cancellationToken);

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken) =>
        level == 0 && name.MinTxid > after && offset == 0 && length is null && new FileInfo(folder.StagedPath(name)) is { Exists: true } staged
            ? Task.FromResult<Stream>(new StagedStream(
                staged.FullName, staged.Length, (from, cancel) => store.OpenReadAsync(level, name, from, null, cancel)))
            : store.OpenReadAsync(level, name, offset, length, cancellationToken);

    public Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken) => store.PutInTurnAsync(level, name, timestamp, length, write, turn, cancellationToken);

    public Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken) =>
        store.CopyAsync(fromLevel, toLevel, name, timestamp, cancellationToken);

    public Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken) => store.DeleteAsync(level, name, cancellationToken);

    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) => store.AcquireAsync(owner, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask; // the replica is another's
}
