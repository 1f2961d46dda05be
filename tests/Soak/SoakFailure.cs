namespace Litestream.Tests.Soak;

/// <summary>What ends a soak: an image that differs, or a bound that was broken.</summary>
/// <param name="kind">Short and stable, for the log.</param>
/// <param name="message">What was seen, and where.</param>
/// <param name="details">For the log; may be null.</param>
internal sealed class SoakFailure(string kind, string message, object? details = null) : Exception(message)
{
    public string Kind => kind;

    public object? Details => details;
}
