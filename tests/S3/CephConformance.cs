using Litestream.Storage;
using Litestream.Tests.S3;

namespace Litestream.Tests.Unit.Storage;

/// <summary>The promises of every backend, kept by a bucket of Ceph's gateway.</summary>
[Collection("gateway")]
public sealed class CephConformance(CephGateway gateway) : ReplicaStoreConformance, IAsyncLifetime
{
    private S3Location? _place;

    public async Task InitializeAsync() => _place = CephGateway.Missing is null ? await gateway.NewPlaceAsync() : null;

    public Task DisposeAsync() => Task.CompletedTask;

    protected override IReplicaStore Open() => _place!.Open();
}
