namespace Litestream.Storage;

/// <summary>The place of a replica cannot be reached or written just now: network, disk full, folder gone. Worth a retry.</summary>
public sealed class ReplicaUnreachableException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaUnreachableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaUnreachable";
}
