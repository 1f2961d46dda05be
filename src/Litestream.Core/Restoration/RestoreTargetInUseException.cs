namespace Litestream.Restoration;

/// <summary>The file to restore to is open in another program.</summary>
public sealed class RestoreTargetInUseException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public RestoreTargetInUseException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "RestoreTargetInUse";
}
