namespace Litestream.Sqlite;

/// <summary>The database file does not exist.</summary>
public sealed class DatabaseNotFoundException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseNotFound";
}
