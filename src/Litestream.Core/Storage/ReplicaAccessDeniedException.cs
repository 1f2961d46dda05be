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

    /// <summary>Why.</summary>
    public ReplicaRefusal Refusal { get; init; }

    /// <inheritdoc/>
    public override string ErrorId => Refusal switch
    {
        ReplicaRefusal.KeyInvalid => "ReplicaKeyInvalid",
        ReplicaRefusal.KeyExpired => "ReplicaKeyExpired",
        ReplicaRefusal.ClockSkewed => "ReplicaClockSkewed",
        ReplicaRefusal.BucketNotFound => "ReplicaBucketNotFound",
        _ => "ReplicaAccessDenied",
    };
}
