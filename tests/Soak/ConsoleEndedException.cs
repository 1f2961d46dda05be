namespace Litestream.Tests.Soak;

/// <summary>A console's process ended before it had answered.</summary>
internal sealed class ConsoleEndedException(string message, Exception? inner) : Exception(message, inner);
