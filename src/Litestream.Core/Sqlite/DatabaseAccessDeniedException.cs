namespace Litestream.Sqlite;

/// <summary>The database, or its folder, may not be read or written by this user.</summary>
public sealed class DatabaseAccessDeniedException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DatabaseAccessDeniedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DatabaseAccessDenied";
}
