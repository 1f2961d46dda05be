namespace Litestream.Legacy;

/// <summary>A part of a WAL is missing in a replica that Litestream 0.3 wrote.</summary>
public sealed class LegacyGapException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public LegacyGapException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "ReplicaGap";

    /// <summary>The last time before the gap that can be restored (UTC); null if none can.</summary>
    public DateTimeOffset? LastGood { get; init; }
}
