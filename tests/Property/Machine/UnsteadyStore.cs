using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Machine;

/// <summary>A real store whose changes fail now and then: before anything is done, or after it, with the answer lost.</summary>
internal sealed class UnsteadyStore(IReplicaStore inner) : IReplicaStore
{
    private Random _random = new(0);
    private int _failures;

    public string Location => inner.Location;

    public int Concurrency => inner.Concurrency;

    /// <summary>The next so many changes may fail.</summary>
    public void Fail(int changes, int seed) => (_failures, _random) = (changes, new Random(seed));

    public IAsyncEnumerable<ReplicaFile> ListAsync(int level, CancellationToken cancellationToken) => inner.ListAsync(level, cancellationToken);

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken) =>
        inner.OpenReadAsync(level, name, offset, length, cancellationToken);

    public Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken) =>
        ChangeAsync(() => inner.PutInTurnAsync(level, name, timestamp, length, write, turn, cancellationToken));

    public Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken) =>
        ChangeAsync(() => inner.DeleteAsync(level, name, cancellationToken));

    public Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken) =>
        ChangeAsync(() => inner.CopyAsync(fromLevel, toLevel, name, timestamp, cancellationToken));

    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) => inner.AcquireAsync(owner, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async Task ChangeAsync(Func<Task> change)
    {
        int outcome = _failures > 0 ? _random.Next(3) : 2;
        _failures -= _failures > 0 ? 1 : 0;
        if (outcome != 0)
        {
            await change();
        }

        if (outcome != 2)
        {
            throw new ReplicaUnreachableException("interrupted by the test");
        }
    }
}
