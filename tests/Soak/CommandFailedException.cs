namespace Litestream.Tests.Soak;

/// <summary>A command of the replicator under test answered with an error.</summary>
internal sealed class CommandFailedException(string message) : Exception(message);
