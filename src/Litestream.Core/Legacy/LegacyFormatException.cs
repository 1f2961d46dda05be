namespace Litestream.Legacy;

/// <summary>A file of a replica that Litestream 0.3 wrote is damaged, cut short, or something else than its name says.</summary>
public sealed class LegacyFormatException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public LegacyFormatException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaCorrupt";
}
