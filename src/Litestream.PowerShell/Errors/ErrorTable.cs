using System.Collections.Frozen;
using System.Management.Automation;

namespace Litestream.PowerShell;

/// <summary>
/// Every error id that the module writes, with its category and what the user should do. The ids are part of the module's contract:
/// scripts compare <c>FullyQualifiedErrorId</c> with them.
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
        ["DatabaseNotFound"] = new(ErrorCategory.ObjectNotFound, "Check the path. With -Wait, replication waits for the database to be created."),
        ["NotADatabase"] = new(ErrorCategory.InvalidData, "Give the path of an SQLite database that is not encrypted as a whole."),
        ["DatabaseNotWal"] = new(ErrorCategory.InvalidOperation, "Switch it with PRAGMA journal_mode=WAL while no other program has it open."),
        ["DatabaseLocked"] = new(ErrorCategory.ResourceBusy, "End the program that holds the database exclusively, or set its locking_mode to NORMAL."),
        ["DatabaseIOError"] = new(ErrorCategory.ReadError, "Check the disk that holds the database."),
        ["DatabaseReplaced"] = new(ErrorCategory.ResourceUnavailable, "Start the replication again; the database is compared with the replica first."),
        ["SqliteLibraryUnsuitable"] = new(ErrorCategory.ResourceUnavailable, "Replicate in a process of its own, without other modules that use SQLite."),
        ["DatabaseAccessDenied"] = new(ErrorCategory.PermissionDenied, "Give this user the right to read and write the database and its folder."),
        ["DatabaseInUse"] = new(ErrorCategory.ResourceBusy, "Stop the other replication of this database first."),
        ["LocalStateUnusable"] = new(ErrorCategory.WriteError, "Give this user the right to write in the database's folder, and make room on its disk."),
        ["ReplicaUnreachable"] = new(ErrorCategory.ConnectionError, "Check that the replica's place exists, can be reached and has room."),
        ["ReplicaInUse"] = new(ErrorCategory.ResourceBusy, "Stop the other replicator, or use another destination."),
        ["ReplicaFileNotFound"] = new(ErrorCategory.ObjectNotFound, "Run it again: a file was removed meanwhile."),
        ["ReplicaLocationInvalid"] = new(ErrorCategory.InvalidArgument, "Give a folder path, a file:// or an s3:// URL; New-SqliteReplicaLocation takes options."),
        ["ReplicaAccessDenied"] = new(ErrorCategory.PermissionDenied, "Give this user the right to the replica's place."),
        ["ReplicaKeyInvalid"] = new(ErrorCategory.AuthenticationError, "Give the right key with -Credential or in the environment."),
        ["ReplicaKeyExpired"] = new(ErrorCategory.AuthenticationError, "Renew the temporary key, and start again with the new one."),
        ["ReplicaClockSkewed"] = new(ErrorCategory.AuthenticationError, "Set this machine's clock right: the service refuses requests of another time."),
        ["ReplicaBucketNotFound"] = new(ErrorCategory.ObjectNotFound, "Make the bucket, or correct its name: none is ever made for you."),
        ["ReplicaCorrupt"] = new(ErrorCategory.InvalidData, "Restore from another replica, and find out what damaged this one before replicating to it again."),
        ["ReplicaConflict"] = new(ErrorCategory.InvalidOperation, "Use an empty destination, or -AdoptReplica if this database is the rightful successor."),
        ["DestinationLetGo"] = new(ErrorCategory.ResourceUnavailable, "Bring the destination back: it gets a full image. -MaxStagingBytes says how much may wait."),
        ["ReplicaNotFound"] = new(ErrorCategory.ObjectNotFound, "Check the replica's place; list it with Get-SqliteReplica."),
        ["ReplicationEnded"] = new(ErrorCategory.InvalidOperation, "Start the replication again."),
        ["ConfigurationInvalid"] = new(ErrorCategory.ParserError, "Mend the line that the message names; Test-SqliteReplicationConfiguration tries it."),
        ["MaintenanceSettingInvalid"] = new(ErrorCategory.InvalidArgument, "Give growing intervals, and a retention that is longer than they are."),
        ["ReplicaGap"] = new(ErrorCategory.InvalidData, "Restore to a point that Get-SqliteRestorePoint lists, or from another replica."),
        ["IntegrityCheckFailed"] = new(ErrorCategory.InvalidData, "Restore to an earlier point or from another replica; check the live database too."),
        ["ReplicaBehind"] = new(ErrorCategory.OperationTimeout, "See whether replication runs, or give it more time with -Timeout."),
        ["ImagesDiffer"] = new(ErrorCategory.InvalidResult, "Do not rely on this replica: replicate to a new destination, and report it."),
        ["RestoreTargetExists"] = new(ErrorCategory.ResourceExists, "Use -Force to replace it, or another -OutputPath."),
        ["RestoreTargetInUse"] = new(ErrorCategory.ResourceBusy, "End the program that has it open, or use another -OutputPath."),
        ["RestoreTargetUnusable"] = new(ErrorCategory.WriteError, "Choose a folder that exists, can be written and has room."),
        [DestinationShared] = new(ErrorCategory.InvalidArgument, "Pipe objects with a Path and a Destination each, none inside another."),
        [PathNotFileSystem] = new(ErrorCategory.InvalidArgument, "Give a path of the file system."),
        [ReplicationNotFound] = new(ErrorCategory.ObjectNotFound, "Get-SqliteReplication lists the replications of this user on this machine."),
        [ReplicationSuspended] = new(ErrorCategory.InvalidOperation, "Resume it with Resume-SqliteReplication."),
        [WorkerHostNotFound] = new(ErrorCategory.NotInstalled, "Run it in pwsh 7.6 or later or in Litestream.Host, or use -Wait."),
        [WorkerStartFailed] = new(ErrorCategory.ResourceUnavailable, "Read the output in the message; -Wait replicates in this process."),
        [WorkerEnded] = new(ErrorCategory.ResourceUnavailable, "Start the replication again: it continues where the replica ends."),
        [TimedOut] = new(ErrorCategory.OperationTimeout, "See Get-SqliteReplication for what it waits for, or give it more time."),
        [LastSyncIncomplete] = new(ErrorCategory.ResourceUnavailable, "Start the replication again when the replica can be reached: the rest is kept beside the database."),
        [MetricsEndpointFailed] = new(ErrorCategory.ResourceUnavailable, "Give a prefix whose port is free, such as http://localhost:9090/."),
        [LogUnusable] = new(ErrorCategory.WriteError, "Give a path in a folder that exists and can be written."),
        [ServiceManagerFailed] = new(ErrorCategory.ResourceUnavailable, "Read what the service manager wrote, in the message."),
        [ParametersContradict] = new(ErrorCategory.InvalidArgument, "See Get-Help for the ways to call it."),
        ["AccessDenied"] = new(ErrorCategory.PermissionDenied, "Give this user the right to the file."),
        ["FileNotFound"] = new(ErrorCategory.ObjectNotFound, "Check the path."),
        ["IOError"] = new(ErrorCategory.ReadError, "Check the disk or the network behind the path."),
        ["InvalidArgument"] = new(ErrorCategory.InvalidArgument, "Check the argument."),
        ["SqliteError"] = new(ErrorCategory.InvalidResult, "See the message of SQLite."),
        [Unexpected] = new(ErrorCategory.NotSpecified, "Report it, with the output of Get-Error."),
    }.ToFrozenDictionary();

    /// <summary>The ids that have a row of their own.</summary>
    internal static IEnumerable<string> Ids => Rows.Keys;

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

    private sealed record Row(ErrorCategory Category, string Action);
}
