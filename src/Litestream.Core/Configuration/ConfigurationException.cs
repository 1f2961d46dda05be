namespace Litestream.Configuration;

/// <summary>A configuration file cannot be read, or says what cannot be. The message names line and column.</summary>
/// <param name="message">What happened, what is safe, what to do.</param>
/// <param name="innerException">The cause, if another error is behind it.</param>
public sealed class ConfigurationException(string message, Exception? innerException = null) : LitestreamException(message, innerException)
{
    /// <inheritdoc/>
    public override string ErrorId => "ConfigurationInvalid";
}
