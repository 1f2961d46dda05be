namespace Litestream.Tests.S3;

/// <summary>The tests share one gateway.</summary>
[CollectionDefinition("gateway")]
public sealed class OneGateway : ICollectionFixture<CephGateway>;
