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

    /// <summary>Every commit is sent, but the last verification found the replica damaged or different: do not rely on it.</summary>
    Damaged,

    /// <summary>Ended on request, after a last sync.</summary>
    Stopped,

    /// <summary>Closed on request, after a last sync, until it is resumed. What is committed meanwhile is in no replica.</summary>
    Suspended,

    /// <summary>Ended by an error that only a person can mend.</summary>
    Faulted,
}
