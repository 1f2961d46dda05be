using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Maintenance;

/// <summary>A real place that tells which files were read whole.</summary>
/// <param name="Inner">The place.</param>
internal sealed record WatchedLocation(ReplicaLocation Inner) : ReplicaLocation
{
    private readonly List<WatchedStore> _stores = [];

    public override string Address => Inner.Address;

    /// <summary>Every file that was read from its first byte without an end, as often as it was.</summary>
    internal IEnumerable<(int Level, LtxFileName Name)> WholeReads => _stores.SelectMany(store => store.WholeReads);

    public override IReplicaStore Open()
    {
        WatchedStore store = new(Inner.Open());
        _stores.Add(store);
        return store;
    }

    public override ReplicaLocation Below(string relative) => new WatchedLocation(Inner.Below(relative));
}
