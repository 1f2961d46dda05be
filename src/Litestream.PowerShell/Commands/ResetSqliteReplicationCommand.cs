using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Forgets what is kept beside a database about its replication.</para>
/// <para type="description">Deletes what is in the folder <c>.&lt;name&gt;-litestream</c>, but for the empty file of its lock. The database and its replicas stay as they are. The next start
/// compares every page, and to go on with a replica that is there it needs -AdoptReplica. A replication that runs is refused.</para>
/// </summary>
[Cmdlet(VerbsCommon.Reset, "SqliteReplication", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(void))]
public sealed class ResetSqliteReplicationCommand : AsyncCmdlet
{
    /// <summary>Databases; no letter is a wildcard. They need not exist any more.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string[] Path { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string path in Path)
        {
            if (!TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, path), path, out string? database))
            {
                continue;
            }

            if (ReplicationReset.FolderOf(database) is not { } folder)
            {
                WriteVerbose($"There is no local state of '{database}': nothing to forget.");
                continue;
            }

            if (!ShouldProcess(folder, "Delete the local state"))
            {
                continue;
            }

            try
            {
                ReplicationReset.Run(database);
            }
            catch (LitestreamException exception)
            {
                WriteError(ErrorTable.Record(exception, database));
            }
        }
    }
}
