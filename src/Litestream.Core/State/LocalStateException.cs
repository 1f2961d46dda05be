namespace Litestream.State;

/// <summary>The local state folder beside the database cannot be written or read.</summary>
public sealed class LocalStateException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public LocalStateException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "LocalStateUnusable";
}
