using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Control;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Brings the replica up to date and ends the replication.</para>
/// <para type="description">Does a last sync, ends the replication and takes it off the list of Get-SqliteReplication, whichever session or
/// service of this user has started it. If the replica
/// cannot be reached in time, what is missing stays beside the database, an error says so, and the next start sends it.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Stop, "SqliteReplication", SupportsShouldProcess = true)]
[OutputType(typeof(SqliteReplication))]
public sealed class StopSqliteReplicationCommand : ReplicationCmdlet
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

    /// <summary>Puts the replication out as it was at its end.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Stops replications of other sessions and services too where they are meant by a pattern or come through the pipeline. One that is
    /// named by its path is stopped in any case.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => RunOn(Path, async (selected, pipeline, stop) =>
    {
        bool named = !MyInvocation.ExpectingInput && !Path.Any(WildcardPattern.ContainsWildcardCharacters);
        List<Task<SqliteReplication>> ending = [];
        foreach (ListedReplication replication in selected)
        {
            if (replication is ControlledReplication && !named && !Force)
            {
                await pipeline.WriteWarningAsync(
                    $"'{replication.Path}' is replicated by another session or a service (process {replication.ProcessId}) and goes on. Name it by its path, or give -Force, to stop it.",
                    stop).ConfigureAwait(false);
                continue;
            }

            string target = replication.ToOutput().ToString();
            if (await pipeline.InvokeAsync(() => ShouldProcess(target, "Stop replication"), stop).ConfigureAwait(false))
            {
                ending.Add(replication.StopAsync(TimeSpan.FromSeconds(Timeout), stop));
            }
        }

        foreach (Task<SqliteReplication> end in ending)
        {
            SqliteReplication last = await end.ConfigureAwait(false);
            if (LastSync.Shortfall(last) is { } shortfall)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(shortfall, last.Path), stop).ConfigureAwait(false);
            }

            if (PassThru)
            {
                await pipeline.WriteObjectAsync(last, stop).ConfigureAwait(false);
            }
        }
    });
}
