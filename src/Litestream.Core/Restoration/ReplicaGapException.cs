namespace Litestream.Restoration;

/// <summary>A transaction is missing between the files of a replica.</summary>
public sealed class ReplicaGapException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaGapException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaGap";
}
