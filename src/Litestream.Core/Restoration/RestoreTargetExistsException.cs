namespace Litestream.Restoration;

/// <summary>The file to restore to exists already.</summary>
public sealed class RestoreTargetExistsException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public RestoreTargetExistsException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "RestoreTargetExists";
}
