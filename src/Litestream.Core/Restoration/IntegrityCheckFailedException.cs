namespace Litestream.Restoration;

/// <summary>A restored database did not pass SQLite's own check.</summary>
public sealed class IntegrityCheckFailedException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public IntegrityCheckFailedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "IntegrityCheckFailed";
}
