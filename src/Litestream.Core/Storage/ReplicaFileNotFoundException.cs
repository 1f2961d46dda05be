namespace Litestream.Storage;

/// <summary>A file of a replica is not there, or no longer.</summary>
public sealed class ReplicaFileNotFoundException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaFileNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaFileNotFound";
}
