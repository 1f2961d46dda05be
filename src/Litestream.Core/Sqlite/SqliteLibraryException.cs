namespace Litestream.Sqlite;

/// <summary>The SQLite library in this process is too old, or a second one has the database open.</summary>
public sealed class SqliteLibraryException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public SqliteLibraryException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "SqliteLibraryUnsuitable";
}
