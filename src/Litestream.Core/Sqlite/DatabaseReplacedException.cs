namespace Litestream.Sqlite;

/// <summary>The database file or its WAL was replaced or deleted under us.</summary>
public sealed class DatabaseReplacedException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseReplacedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseReplaced";
}
