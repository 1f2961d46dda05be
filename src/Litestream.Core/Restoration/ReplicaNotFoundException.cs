namespace Litestream.Restoration;

/// <summary>There is no replica at this place, or none that can be restored.</summary>
public sealed class ReplicaNotFoundException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public ReplicaNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaNotFound";
}
