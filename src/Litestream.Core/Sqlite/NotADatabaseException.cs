namespace Litestream.Sqlite;

/// <summary>The file is not an SQLite database, or it is encrypted, or damaged beyond opening.</summary>
public sealed class NotADatabaseException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public NotADatabaseException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "NotADatabase";
}
