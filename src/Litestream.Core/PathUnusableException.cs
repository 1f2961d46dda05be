namespace Litestream;

/// <summary>The system would take the path for another one, so that what is written there may be nowhere, or in another file.</summary>
public sealed class PathUnusableException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public PathUnusableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "PathUnusable";
}
