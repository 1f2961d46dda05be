namespace Litestream.Storage;

/// <summary>The right to write to a replica, held until it is disposed, the process ends or it is lost.</summary>
public interface IReplicaLease : IAsyncDisposable
{
    /// <summary>
    /// Cancelled when the right is gone, or cannot be proven any more: from then on nothing may be written to the replica.
    /// Never cancelled where the right is a lock of the kernel.
    /// </summary>
    CancellationToken Lost { get; }
}
