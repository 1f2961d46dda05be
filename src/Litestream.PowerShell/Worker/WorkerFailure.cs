namespace Litestream.PowerShell.Worker;

/// <summary>An exception on its way through the pipe.</summary>
/// <param name="ErrorId">Stable short id.</param>
/// <param name="Message">What happened, what is safe, what to do.</param>
internal sealed record WorkerFailure(string ErrorId, string Message)
{
    /// <summary>The database that it is about, or null.</summary>
    public string? Database { get; init; }

    /// <summary>The replica that it is about, or null.</summary>
    public string? Replica { get; init; }

    /// <summary>The file that it is about, or null.</summary>
    public string? File { get; init; }

    /// <summary>The transaction id that it is about, or null.</summary>
    public ulong? Txid { get; init; }

    /// <summary>Takes what the user needs out of an exception.</summary>
    /// <param name="exception">Thrown in the worker.</param>
    internal static WorkerFailure From(Exception exception)
    {
        LitestreamException? ours = exception as LitestreamException;
        return new WorkerFailure(ErrorTable.IdOf(exception), exception.Message)
        {
            Database = ours?.Database,
            Replica = ours?.Replica,
            File = ours?.File,
            Txid = ours?.Txid,
        };
    }

    /// <summary>The exception to throw in the caller.</summary>
    internal ReplicationException ToException() =>
        new(ErrorId, Message) { Database = Database, Replica = Replica, File = File, Txid = Txid };
}
