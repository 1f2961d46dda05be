namespace Litestream.Replication;

/// <summary>Another replicator already replicates this database.</summary>
public sealed class DatabaseInUseException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseInUseException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseInUse";
}
