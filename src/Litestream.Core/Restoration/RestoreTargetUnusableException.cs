namespace Litestream.Restoration;

/// <summary>The place to restore to cannot be written: no folder, no permission, no room.</summary>
public sealed class RestoreTargetUnusableException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public RestoreTargetUnusableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "RestoreTargetUnusable";
}
