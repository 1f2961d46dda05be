namespace Litestream.Storage;

/// <summary>The place of a replica refuses us.</summary>
public sealed class ReplicaAccessDeniedException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaAccessDeniedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaAccessDenied";
}
