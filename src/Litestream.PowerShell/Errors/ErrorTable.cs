using System.Collections.Frozen;
using System.Management.Automation;

namespace Litestream.PowerShell;

/// <summary>
/// Every error id that the module writes, with its category, what it means and what the user should do. The ids are part of the module's
/// contract: scripts compare <c>FullyQualifiedErrorId</c> with them. The help's table of errors is made from it.
/// </summary>
internal static class ErrorTable
{
    /// <summary>Several databases were to go to one place, or one place lies inside another.</summary>
    internal const string DestinationShared = "DestinationShared";

    /// <summary>A path that is not one of the file system's.</summary>
    internal const string PathNotFileSystem = "PathNotFileSystem";

    /// <summary>No replication of this user matches.</summary>
    internal const string ReplicationNotFound = "ReplicationNotFound";

    /// <summary>A sync of a replication that is suspended.</summary>
    internal const string ReplicationSuspended = "ReplicationSuspended";

    /// <summary>No executable was found to run the worker.</summary>
    internal const string WorkerHostNotFound = "WorkerHostNotFound";

    /// <summary>The worker process did not come up.</summary>
    internal const string WorkerStartFailed = "WorkerStartFailed";

    /// <summary>The worker process has ended.</summary>
    internal const string WorkerEnded = "WorkerEnded";

    /// <summary>The time limit has passed.</summary>
    internal const string TimedOut = "TimedOut";

    /// <summary>The last sync before the end did not bring everything into the replica.</summary>
    internal const string LastSyncIncomplete = "LastSyncIncomplete";

    /// <summary>Parameters that exclude each other, or one that needs another.</summary>
    internal const string ParametersContradict = "ParametersContradict";

    /// <summary>Metrics cannot be served where they were to be.</summary>
    internal const string MetricsEndpointFailed = "MetricsEndpointFailed";

    /// <summary>The log cannot be written.</summary>
    internal const string LogUnusable = "LogUnusable";

    /// <summary>A command of the system's service manager has failed.</summary>
    internal const string ServiceManagerFailed = "ServiceManagerFailed";

    /// <summary>An error that the module does not know: its own mistake.</summary>
    internal const string Unexpected = "UnexpectedError";

    private static readonly FrozenDictionary<string, Row> Rows = new Dictionary<string, Row>
    {
        ["DatabaseNotFound"] = new(
            ErrorCategory.ObjectNotFound,
            "There is no such database file.",
            "Check the path. With -Wait, replication waits for the database to be created."),
        ["NotADatabase"] = new(
            ErrorCategory.InvalidData,
            "The file is not an SQLite database that can be read, or it is a part of one (-wal, -shm, -journal).",
            "Give the path of an SQLite database that is not encrypted as a whole."),
        ["DatabaseNotWal"] = new(
            ErrorCategory.InvalidOperation,
            "The database could not be switched to WAL mode, which replication needs.",
            "Switch it with PRAGMA journal_mode=WAL while no other program has it open."),
        ["DatabaseLocked"] = new(
            ErrorCategory.ResourceBusy,
            "Another program holds the database exclusively.",
            "End the program that holds the database exclusively, or set its locking_mode to NORMAL."),
        ["DatabaseIOError"] = new(
            ErrorCategory.ReadError,
            "The database, or its WAL, could not be read or written.",
            "Check the disk that holds the database."),
        ["DatabaseReplaced"] = new(
            ErrorCategory.ResourceUnavailable,
            "Another file now stands where the replicated database stood.",
            "Start the replication again; the database is compared with the replica first."),
        ["SqliteLibraryUnsuitable"] = new(
            ErrorCategory.ResourceUnavailable,
            "The SQLite library in this process cannot be used: too old, or another copy got in its way.",
            "Replicate in a process of its own, without other modules that use SQLite."),
        ["DatabaseAccessDenied"] = new(
            ErrorCategory.PermissionDenied,
            "This user may not read or write the database or its folder.",
            "Give this user the right to read and write the database and its folder."),
        ["DatabaseInUse"] = new(
            ErrorCategory.ResourceBusy,
            "The database is replicated already.",
            "Stop the other replication of this database first."),
        ["LocalStateUnusable"] = new(
            ErrorCategory.WriteError,
            "What is kept beside the database, in .<name>-litestream, could not be read or written.",
            "Give this user the right to write in the database's folder, and make room on its disk."),
        ["ReplicaUnreachable"] = new(
            ErrorCategory.ConnectionError,
            "The replica's place does not answer, is not there, or has no room.",
            "Check that the replica's place exists, can be reached and has room."),
        ["ReplicaInUse"] = new(
            ErrorCategory.ResourceBusy,
            "Another replicator writes to the replica.",
            "Stop the other replicator, or use another destination."),
        ["ReplicaFileNotFound"] = new(
            ErrorCategory.ObjectNotFound,
            "A file of the replica that was listed was gone when it was to be read.",
            "Run it again: a file was removed meanwhile."),
        ["PathUnusable"] = new(
            ErrorCategory.InvalidArgument,
            "Windows would take the path for another one: a device's name, a dot or space at the end of a name, a colon within one.",
            "Give the file or folder another name."),
        ["ReplicaLocationInvalid"] = new(
            ErrorCategory.InvalidArgument,
            "The text names no place that a replica can have.",
            "Give a folder path, a file:// or an s3:// URL; New-SqliteReplicaLocation takes options."),
        ["ReplicaAccessDenied"] = new(
            ErrorCategory.PermissionDenied,
            "The replica's place refuses this user or key.",
            "Give this user the right to the replica's place."),
        ["ReplicaKeyInvalid"] = new(
            ErrorCategory.AuthenticationError,
            "The service does not know the key, or its secret is wrong.",
            "Give the right key with -Credential or in the environment."),
        ["ReplicaKeyExpired"] = new(
            ErrorCategory.AuthenticationError,
            "The temporary key has expired.",
            "Renew the temporary key, and start again with the new one."),
        ["ReplicaClockSkewed"] = new(
            ErrorCategory.AuthenticationError,
            "This machine's clock and the service's differ by too much.",
            "Set this machine's clock right: the service refuses requests of another time."),
        ["ReplicaBucketNotFound"] = new(
            ErrorCategory.ObjectNotFound,
            "There is no such bucket.",
            "Make the bucket, or correct its name: none is ever made for you."),
        ["ReplicaCorrupt"] = new(
            ErrorCategory.InvalidData,
            "A file of the replica is damaged: a checksum or its format is wrong.",
            "Restore from another replica, and find out what damaged this one before replicating to it again."),
        ["ReplicaConflict"] = new(
            ErrorCategory.InvalidOperation,
            "The replica holds another database, or a history that is not this database's. Nothing was written to it.",
            "Use an empty destination, or -AdoptReplica if this database is the rightful successor."),
        ["DestinationLetGo"] = new(
            ErrorCategory.ResourceUnavailable,
            "The destination was away for so long that no more could wait for it.",
            "Bring the destination back: it gets a full image. -MaxStagingBytes says how much may wait."),
        ["ReplicaNotFound"] = new(
            ErrorCategory.ObjectNotFound,
            "No replica was found at the place, or none that reaches back to the point asked for.",
            "Check the replica's place with Get-SqliteReplica, and its window with Get-SqliteRestorePoint."),
        ["ReplicationEnded"] = new(
            ErrorCategory.InvalidOperation,
            "The replication has ended, so it cannot do what was asked.",
            "Start the replication again."),
        ["ConfigurationInvalid"] = new(
            ErrorCategory.ParserError,
            "The configuration file says what cannot be done; the message names line and column.",
            "Mend the line that the message names; Test-SqliteReplicationConfiguration tries it."),
        ["MaintenanceSettingInvalid"] = new(
            ErrorCategory.InvalidArgument,
            "Intervals of merges, snapshots or retention contradict each other.",
            "Give growing intervals, and a retention that is longer than they are."),
        ["ReplicaGap"] = new(
            ErrorCategory.InvalidData,
            "Transactions are missing in the replica, so it does not lead to the point asked for.",
            "Restore to a point that Get-SqliteRestorePoint lists, or from another replica."),
        ["IntegrityCheckFailed"] = new(
            ErrorCategory.InvalidData,
            "SQLite's own check found the restored database broken. The file was not put in place.",
            "Restore to an earlier point or from another replica; check the live database too."),
        ["ReplicaBehind"] = new(
            ErrorCategory.OperationTimeout,
            "The replica did not reach the state of the live database in time, so they could not be compared.",
            "See whether replication runs, or give it more time with -Timeout."),
        ["ImagesDiffer"] = new(
            ErrorCategory.InvalidResult,
            "The restored database is not the live one, byte for byte.",
            "Do not rely on this replica: replicate to a new destination, and report it."),
        ["RestoreTargetExists"] = new(
            ErrorCategory.ResourceExists,
            "The file to make exists. It was left as it is.",
            "Use -Force to replace it, or another -OutputPath."),
        ["RestoreTargetInUse"] = new(
            ErrorCategory.ResourceBusy,
            "The file to replace is open in a program. It was left as it is.",
            "End the program that has it open, or use another -OutputPath."),
        ["RestoreTargetUnusable"] = new(
            ErrorCategory.WriteError,
            "The file to make cannot be written.",
            "Choose a folder that exists, can be written and has room."),
        [DestinationShared] = new(
            ErrorCategory.InvalidArgument,
            "Two databases were to go to one place, or one place lies inside another.",
            "Pipe objects with a Path and a Destination each, none inside another."),
        [PathNotFileSystem] = new(
            ErrorCategory.InvalidArgument,
            "The path belongs to another provider of PowerShell, such as the registry.",
            "Give a path of the file system."),
        [ReplicationNotFound] = new(
            ErrorCategory.ObjectNotFound,
            "Nothing of this user on this machine replicates the database.",
            "Get-SqliteReplication lists the replications of this user on this machine."),
        [ReplicationSuspended] = new(
            ErrorCategory.InvalidOperation,
            "The replication is suspended, so it cannot sync.",
            "Resume it with Resume-SqliteReplication."),
        [WorkerHostNotFound] = new(
            ErrorCategory.NotInstalled,
            "No program was found that can run the worker process.",
            "Run it in pwsh 7.6 or later or in Litestream.Host, or use -Wait."),
        [WorkerStartFailed] = new(
            ErrorCategory.ResourceUnavailable,
            "The worker process did not come up.",
            "Read the output in the message; -Wait replicates in this process."),
        [WorkerEnded] = new(
            ErrorCategory.ResourceUnavailable,
            "The worker process has ended.",
            "Start the replication again: it continues where the replica ends."),
        [TimedOut] = new(
            ErrorCategory.OperationTimeout,
            "The time limit has passed.",
            "See Get-SqliteReplication for what it waits for, or give it more time."),
        [LastSyncIncomplete] = new(
            ErrorCategory.ResourceUnavailable,
            "The last sync did not bring everything into the replica in time.",
            "Start the replication again when the replica can be reached: the rest is kept beside the database."),
        [MetricsEndpointFailed] = new(
            ErrorCategory.ResourceUnavailable,
            "Metrics cannot be served at the address: its port is taken, or it may not be used.",
            "Give a prefix whose port is free, such as http://localhost:9090/."),
        [LogUnusable] = new(
            ErrorCategory.WriteError,
            "The log file cannot be written.",
            "Give a path in a folder that exists and can be written."),
        [ServiceManagerFailed] = new(
            ErrorCategory.ResourceUnavailable,
            "A command of systemd or the Task Scheduler has failed.",
            "Read what the service manager wrote, in the message."),
        [ParametersContradict] = new(
            ErrorCategory.InvalidArgument,
            "Parameters exclude each other, or one needs another.",
            "See Get-Help for the ways to call it."),
        ["AccessDenied"] = new(
            ErrorCategory.PermissionDenied,
            "This user may not read or write a file.",
            "Give this user the right to the file."),
        ["FileNotFound"] = new(
            ErrorCategory.ObjectNotFound,
            "A file is not there.",
            "Check the path."),
        ["IOError"] = new(
            ErrorCategory.ReadError,
            "A file could not be read or written.",
            "Check the disk or the network behind the path."),
        ["InvalidArgument"] = new(
            ErrorCategory.InvalidArgument,
            "An argument cannot be used; the message says why.",
            "Check the argument."),
        ["SqliteError"] = new(
            ErrorCategory.InvalidResult,
            "SQLite itself has refused something.",
            "See the message of SQLite."),
        [Unexpected] = new(
            ErrorCategory.NotSpecified,
            "An error that the module does not know: a mistake in it.",
            "Report it, with the output of Get-Error."),
    }.ToFrozenDictionary();

    /// <summary>The ids that have a row of their own.</summary>
    internal static IEnumerable<string> Ids => Rows.Keys;

    /// <summary>The whole table.</summary>
    internal static IEnumerable<(string Id, ErrorCategory Category, string Meaning, string Action)> All =>
        Rows.Select(entry => (entry.Key, entry.Value.Category, entry.Value.Meaning, entry.Value.Action));

    /// <summary>Makes the record of any exception.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="target">What it was done to, if the exception itself does not say.</param>
    internal static ErrorRecord Record(Exception exception, object? target)
    {
        if (exception is AggregateException { InnerExceptions: [Exception only] })
        {
            return Record(only, target);
        }

        if (exception is IContainsErrorRecord { ErrorRecord: { } known })
        {
            return new ErrorRecord(known, exception);
        }

        LitestreamException? ours = exception as LitestreamException;
        return Record(exception, IdOf(exception), target ?? ours?.File ?? ours?.Database ?? ours?.Replica);
    }

    /// <summary>Makes a record with a given id, known to the table or not.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="errorId">Stable short id.</param>
    /// <param name="target">What it was done to.</param>
    internal static ErrorRecord Record(Exception exception, string errorId, object? target)
    {
        Row row = Rows.GetValueOrDefault(errorId, Rows[Unexpected]);
        string action = Rows.ContainsKey(errorId) ? row.Action : "";
        return new ErrorRecord(exception, errorId, row.Category, target)
        {
            ErrorDetails = new ErrorDetails(exception.Message) { RecommendedAction = action },
        };
    }

    /// <summary>The stable id of any exception.</summary>
    internal static string IdOf(Exception exception) => exception switch
    {
        LitestreamException ours => ours.ErrorId,
        UnauthorizedAccessException => "AccessDenied",
        FileNotFoundException or DirectoryNotFoundException => "FileNotFound",
        TimeoutException => TimedOut,
        IOException => "IOError",
        ArgumentException => "InvalidArgument",
        System.Data.Common.DbException => "SqliteError",
        _ => Unexpected,
    };

    private sealed record Row(ErrorCategory Category, string Meaning, string Action);
}
