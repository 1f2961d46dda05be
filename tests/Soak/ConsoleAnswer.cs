using System.Text.Json;

namespace Litestream.Tests.Soak;

/// <summary>What a line of PowerShell put out.</summary>
/// <param name="Objects">As JSON.</param>
/// <param name="Errors"><c>ErrorId: message</c>.</param>
/// <param name="Warnings">Their texts.</param>
internal sealed record ConsoleAnswer(IReadOnlyList<JsonElement> Objects, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings)
{
    /// <summary>The only object.</summary>
    /// <exception cref="CommandFailedException">There were errors instead.</exception>
    public JsonElement Single() => ThrowIfFailed().Objects is [JsonElement only]
        ? only
        : throw new CommandFailedException($"{Objects.Count} objects came where one was due.");

    /// <summary>This, unless there were errors.</summary>
    /// <exception cref="CommandFailedException">There were.</exception>
    public ConsoleAnswer ThrowIfFailed() => Errors.Count == 0 ? this : throw new CommandFailedException(string.Join(" | ", Errors));
}
