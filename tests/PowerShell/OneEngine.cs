namespace Litestream.Tests.PowerShell;

/// <summary>Tests with an engine in this process run one after the other: the replications of a process are one list.</summary>
[CollectionDefinition("engine", DisableParallelization = true)]
public sealed class OneEngine : ICollectionFixture<PowerShellSession>;
