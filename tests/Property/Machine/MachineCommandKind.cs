namespace Litestream.Tests.Properties.Machine;

/// <summary>What can happen.</summary>
internal enum MachineCommandKind
{
    // The application, which knows nothing of replication.
    Insert,
    Update,
    Delete,
    LargeTransaction,
    Rollback,
    Savepoints,
    Vacuum,
    IncrementalVacuum,
    ChangeSchema,
    ApplicationCheckpoint,
    OpenReader,
    CloseReader,
    BeginTransaction,
    EndTransaction,
    CloseApplication,
    PutBackupBack,

    // The replicator.
    Look,
    Capture,
    Checkpoint,
    SaveTable,
    Upload,
    Synchronize,
    Crash,
    PowerCut,
    Stop,
    Start,
    LoseLocalState,

    // The replica and the time.
    Outage,
    Wait,
    Maintain,
    Restore,
}
