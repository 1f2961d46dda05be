using Litestream.PowerShell.Observation;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>One line from the caller to the worker.</summary>
/// <param name="Id">Chosen by the caller, 1 or more; the reply carries it.</param>
/// <param name="Kind">What to do.</param>
internal sealed record WorkerRequest(long Id, WorkerRequestKind Kind)
{
    /// <summary>Which replication; 0 where the request is about all.</summary>
    public int Key { get; init; }

    /// <summary>What to replicate; for <see cref="WorkerRequestKind.Start"/> alone.</summary>
    public ReplicationOptions? Options { get; init; }

    /// <summary>How the process is to be watched; for <see cref="WorkerRequestKind.Start"/> alone.</summary>
    public ObservationOptions? Observation { get; init; }

    /// <summary>
    /// Start, Resume: how long to wait for it to stream before answering that it is still starting. Stop, Suspend: how long the last
    /// sync may take.
    /// </summary>
    public TimeSpan Limit { get; init; }
}
