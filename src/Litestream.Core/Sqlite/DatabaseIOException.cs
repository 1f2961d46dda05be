namespace Litestream.Sqlite;

/// <summary>Reading the database or its WAL failed below SQLite.</summary>
public sealed class DatabaseIOException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseIOException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseIOError";
}
