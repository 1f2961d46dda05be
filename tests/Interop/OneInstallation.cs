namespace Litestream.Tests.Interop;

/// <summary>One installation of Litestream for all tests, which run one after the other: each starts several processes.</summary>
[CollectionDefinition(nameof(LitestreamVfs))]
public sealed class OneInstallation : ICollectionFixture<LitestreamVfs>, ICollectionFixture<LitestreamProgram>;
