using System.Management.Automation;
using Litestream.PowerShell.Completion;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Goes on with replications that were suspended, or that have ended by an error which is mended.</para>
/// <para type="description">Opens the database, proves how it stands to its replica, and streams again. One that streams already is left alone.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Resume, "SqliteReplication", SupportsShouldProcess = true)]
[OutputType(typeof(SqliteReplication))]
public sealed class ResumeSqliteReplicationCommand : ReplicationCmdlet
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Databases, by path or pattern; <c>*</c> for all.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicatedDatabaseCompleter))]
    public string[] Path { get; set; } = [];

    /// <summary>Puts the replication out as it is afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, (selected, pipeline, stop) => ChangeAsync(
        selected,
        "Resume replication",
        replication => replication.ResumeAsync(Patience, stop),
        _ => null,
        PassThru,
        pipeline,
        stop));
}
