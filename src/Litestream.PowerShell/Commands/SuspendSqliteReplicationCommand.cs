using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Does a last sync and closes databases until their replication is resumed.</para>
/// <para type="description">For maintenance that must have a database to itself: VACUUM, a change of the page size, a copy put in its place. Every lock is let go.
/// What is committed meanwhile is in no replica; when it is resumed the database is compared with the replica and what has changed goes up.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Suspend, "SqliteReplication", SupportsShouldProcess = true)]
[OutputType(typeof(SqliteReplication))]
public sealed class SuspendSqliteReplicationCommand : ReplicationCmdlet
{
    private const int DefaultTimeoutSeconds = 30;

    /// <summary>Databases, by path or pattern; <c>*</c> for all.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[] Path { get; set; } = [];

    /// <summary>How many seconds the last sync may take.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Timeout { get; set; } = DefaultTimeoutSeconds;

    /// <summary>Puts the replication out as it is afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, (selected, pipeline, stop) => ChangeAsync(
        selected,
        "Suspend replication",
        replication => replication.SuspendAsync(TimeSpan.FromSeconds(Timeout), stop),
        replication => LastSync.Shortfall(replication.ToOutput() with { State = ReplicationState.Stopped }),
        PassThru,
        pipeline,
        stop));
}
