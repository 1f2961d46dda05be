namespace Litestream.Sqlite;

/// <summary>The database is not in WAL mode and could not be switched to it.</summary>
public sealed class DatabaseNotWalException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseNotWalException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseNotWal";
}
