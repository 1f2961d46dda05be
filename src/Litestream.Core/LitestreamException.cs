namespace Litestream;

/// <summary>
/// The base of every failure that a user can act on. The message says what happened, what is safe and what to do;
/// the properties name what it happened to.
/// </summary>
public abstract class LitestreamException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    protected LitestreamException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>A stable short name of the kind of failure, used as the error id in PowerShell.</summary>
    public abstract string ErrorId { get; }

    /// <summary>The database that it is about, or null.</summary>
    public string? Database { get; init; }

    /// <summary>The replica that it is about, without any secret, or null.</summary>
    public string? Replica { get; init; }

    /// <summary>The file that it is about, or null.</summary>
    public string? File { get; init; }

    /// <summary>The transaction id that it is about, or null.</summary>
    public ulong? Txid { get; init; }
}
