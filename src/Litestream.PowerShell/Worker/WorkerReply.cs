using Litestream.Diagnostics;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>One line from the worker to the caller.</summary>
/// <param name="Id">The request's; 0 for the last words of a worker that was told to end by a signal.</param>
internal sealed record WorkerReply(long Id)
{
    /// <summary>The replications that the request was about, by key.</summary>
    public IReadOnlyDictionary<int, ReplicationStatus> Statuses { get; init; } = new Dictionary<int, ReplicationStatus>();

    /// <summary>What has been measured; for <see cref="WorkerRequestKind.Metrics"/> alone.</summary>
    public IReadOnlyList<MetricSample>? Metrics { get; init; }

    /// <summary>Why the request failed; null if it did not.</summary>
    public WorkerFailure? Failure { get; init; }
}
