using Litestream.Diagnostics;
using Litestream.Storage;

namespace Litestream.Bench.Compare;

/// <summary>A replica's place where every operation is counted, as a replicator's are; a restore by itself counts nothing.</summary>
/// <param name="Inner">The place.</param>
internal sealed record CountedLocation(ReplicaLocation Inner) : ReplicaLocation
{
    public override string Address => Inner.Address;

    public override IReplicaStore Open() => MeasuredStore.Open(Inner);

    public override ReplicaLocation Below(string relative) => new CountedLocation(Inner.Below(relative));
}
