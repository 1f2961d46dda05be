namespace Litestream.Replication;

/// <summary>What an operator is told of a replication. The numbers are the event ids of Windows' event log, and stay.</summary>
public enum ReplicationEventKind
{
    /// <summary>It streams.</summary>
    Started = 1,

    /// <summary>It was ended or suspended on request.</summary>
    Stopped = 2,

    /// <summary>It has ended by an error that only a person can mend.</summary>
    Failed = 3,

    /// <summary>It has not been well for a while, or its replica was found damaged.</summary>
    Troubled = 4,

    /// <summary>It is well again after trouble that was told.</summary>
    Recovered = 5,
}
