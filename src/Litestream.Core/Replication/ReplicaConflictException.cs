namespace Litestream.Replication;

/// <summary>The replica was written by another lineage or is ahead of this database: continuing would mix two histories.</summary>
public sealed class ReplicaConflictException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaConflictException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaConflict";
}
