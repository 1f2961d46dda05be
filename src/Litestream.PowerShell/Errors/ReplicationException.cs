namespace Litestream.PowerShell;

/// <summary>A failure that arose in the cmdlets or was reported by the worker process. The id tells the kind.</summary>
/// <param name="errorId">An id of <see cref="ErrorTable"/>.</param>
/// <param name="message">What happened, what is safe, what to do.</param>
/// <param name="innerException">The cause, if another error is behind it.</param>
internal sealed class ReplicationException(string errorId, string message, Exception? innerException = null)
    : LitestreamException(message, innerException)
{
    /// <inheritdoc/>
    public override string ErrorId => errorId;
}
