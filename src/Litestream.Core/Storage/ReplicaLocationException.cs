namespace Litestream.Storage;

/// <summary>The text given as the place of a replica cannot be one.</summary>
public sealed class ReplicaLocationException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaLocationException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaLocationInvalid";
}
