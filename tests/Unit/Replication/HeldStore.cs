using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A real store that notes what is on its way to it, and whose writes a test holds up or fails.</summary>
internal sealed class HeldStore(IReplicaStore inner) : IReplicaStore
{
    private readonly Lock _gate = new();
    private readonly List<ulong> _written = [];
    private readonly List<ulong> _arrived = [];
    private int _underway;
    private long _bytes;

    public string Location => inner.Location;

    public int Concurrency => inner.Concurrency;

    /// <summary>Awaited when the store has the content of a transaction's file, before the last step.</summary>
    internal Func<ulong, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called when it is visible, before the answer.</summary>
    internal Action<ulong> After { get; set; } = _ => { };

    /// <summary>Called before each listing.</summary>
    internal Action Listing { get; set; } = () => { };

    /// <summary>The most that were on their way at a moment: files, and bytes where they were more than one.</summary>
    internal (int Files, long Bytes) Most { get; private set; }

    /// <summary>The transactions whose content the store has been given, in the order of their end.</summary>
    internal ulong[] Written => Copy(_written);

    /// <summary>The transactions that were said to have arrived, in that order.</summary>
    internal ulong[] Arrived => Copy(_arrived);

    public IAsyncEnumerable<ReplicaFile> ListAsync(int level, CancellationToken cancellationToken)
    {
        Listing();
        return inner.ListAsync(level, cancellationToken);
    }

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken) =>
        inner.OpenReadAsync(level, name, offset, length, cancellationToken);

    public async Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        Count(+1, length!.Value);
        try
        {
            await inner.PutInTurnAsync(level, name, timestamp, length, WriteAsync, turn, cancellationToken);
        }
        finally
        {
            Count(-1, -length.Value);
        }

        After(name.MaxTxid);
        Note(_arrived, name.MaxTxid);

        async Task WriteAsync(Stream stream, CancellationToken cancel)
        {
            await write(stream, cancel);
            await stream.FlushAsync(cancel);
            Note(_written, name.MaxTxid);
            await Before(name.MaxTxid).WaitAsync(cancel);
        }
    }

    public Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken) =>
        inner.CopyAsync(fromLevel, toLevel, name, timestamp, cancellationToken);

    public Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken) => inner.DeleteAsync(level, name, cancellationToken);

    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) => inner.AcquireAsync(owner, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void Count(int files, long bytes)
    {
        lock (_gate)
        {
            _underway += files;
            _bytes += bytes;
            Most = (Math.Max(Most.Files, _underway), _underway > 1 ? Math.Max(Most.Bytes, _bytes) : Most.Bytes);
        }
    }

    private void Note(List<ulong> list, ulong txid)
    {
        lock (_gate)
        {
            list.Add(txid);
        }
    }

    private ulong[] Copy(List<ulong> list)
    {
        lock (_gate)
        {
            return [.. list];
        }
    }
}
