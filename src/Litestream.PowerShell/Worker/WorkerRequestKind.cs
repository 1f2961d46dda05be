namespace Litestream.PowerShell.Worker;

/// <summary>What the caller can ask of its worker.</summary>
internal enum WorkerRequestKind
{
    /// <summary>Begin a replication.</summary>
    Start,

    /// <summary>Say how all replications are.</summary>
    Status,

    /// <summary>Answer when everything committed before is in the replica.</summary>
    Sync,

    /// <summary>Do a last sync, end the replication and forget it.</summary>
    Stop,

    /// <summary>Do a last sync and close the database until it is resumed.</summary>
    Suspend,

    /// <summary>Go on after a suspension or a fault.</summary>
    Resume,

    /// <summary>Say what has been measured.</summary>
    Metrics,
}
