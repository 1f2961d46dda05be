namespace Litestream.Replication;

/// <summary>What a replication is doing.</summary>
public enum ReplicationState
{
    /// <summary>Opening the database, proving the local state, or sending the base image.</summary>
    Starting,

    /// <summary>Every commit is captured and sent as it comes.</summary>
    Streaming,

    /// <summary>Something fails that may pass: the last error says what. Tried again until it works.</summary>
    Retrying,

    /// <summary>Ended on request, after a last sync.</summary>
    Stopped,

    /// <summary>Ended by an error that only a person can mend.</summary>
    Faulted,
}
