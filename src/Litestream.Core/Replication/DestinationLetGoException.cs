namespace Litestream.Replication;

/// <summary>A destination took nothing for so long that what waited for it filled the staging area; it goes on behind a full image.</summary>
public sealed class DestinationLetGoException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public DestinationLetGoException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "DestinationLetGo";
}
