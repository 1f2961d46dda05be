using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Maintenance;

/// <summary>A real store that is counted, interrupted after a change, or made to store something else than it is given.</summary>
internal sealed class WatchedStore(IReplicaStore inner) : IReplicaStore
{
    public string Location => inner.Location;

    public int Concurrency => inner.Concurrency;

    /// <summary>Requests of any kind.</summary>
    internal int Requests => Lists + Reads + Writes + Deletes;

    internal int Lists { get; private set; }

    internal int Reads { get; private set; }

    /// <summary>Files that were read from their first byte without an end.</summary>
    internal List<(int Level, LtxFileName Name)> WholeReads { get; } = [];

    /// <summary>Files written or copied.</summary>
    internal int Writes { get; private set; }

    internal int Deletes { get; private set; }

    /// <summary>Files written or deleted.</summary>
    internal int Changes { get; private set; }

    /// <summary>Changes after which the next one is done, but answered by an error, once.</summary>
    internal int? FailAfter { get; set; }

    /// <summary>Changes what is stored; for each file written.</summary>
    internal Func<int, byte[], byte[]>? Corrupt { get; set; }

    public async IAsyncEnumerable<ReplicaFile> ListAsync(
        int level, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Lists++;
        await foreach (ReplicaFile file in inner.ListAsync(level, cancellationToken))
        {
            yield return file;
        }
    }

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken)
    {
        Reads++;
        if (offset == 0 && length is null)
        {
            WholeReads.Add((level, name));
        }

        return inner.OpenReadAsync(level, name, offset, length, cancellationToken);
    }

    public async Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        Writes++;
        if (Corrupt is { } corrupt)
        {
            using var content = new MemoryStream();
            await write(content, cancellationToken);
            byte[] changed = corrupt(level, content.ToArray());
            await inner.PutInTurnAsync(level, name, timestamp, null, (stream, cancel) => stream.WriteAsync(changed, cancel).AsTask(), turn, cancellationToken);
        }
        else
        {
            await inner.PutInTurnAsync(level, name, timestamp, length, write, turn, cancellationToken);
        }

        Changed();
    }

    public async Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken)
    {
        Deletes++;
        await inner.DeleteAsync(level, name, cancellationToken);
        Changed();
    }

    public async Task CopyAsync(
        int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken)
    {
        if (Corrupt is not null)
        {
            await using Stream source = await inner.OpenReadAsync(fromLevel, name, 0, null, cancellationToken);
            await PutInTurnAsync(
                toLevel, name, timestamp, null, (target, cancel) => source.CopyToAsync(target, cancel), Task.CompletedTask, cancellationToken);
            return;
        }

        Writes++;
        await inner.CopyAsync(fromLevel, toLevel, name, timestamp, cancellationToken);
        Changed();
    }

    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) =>
        inner.AcquireAsync(owner, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private void Changed()
    {
        if (++Changes > FailAfter)
        {
            FailAfter = null;
            throw new ReplicaUnreachableException("interrupted by the test");
        }
    }
}
