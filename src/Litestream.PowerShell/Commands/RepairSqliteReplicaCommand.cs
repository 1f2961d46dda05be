using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Replication;
using Litestream.Storage;
using Litestream.Verification;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Makes a damaged replica whole again from the live database, in place.</para>
/// <para type="description">Tests every file of the replica. If one is damaged or transactions are missing, what differs between the last good point and
/// the database follows under the next transaction id, or a full image where there is no such point, and only then are damaged files deleted; whole ones stay for the instants that they still give. A replica without fault is
/// left alone. A database or replica that is being replicated is refused: stop that first.</para>
/// </summary>
[Cmdlet(VerbsDiagnostic.Repair, "SqliteReplica", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(SqliteReplicaRepair))]
public sealed class RepairSqliteReplicaCommand : AsyncCmdlet
{
    /// <summary>The replica's place.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination")]
    [ValidateNotNullOrEmpty]
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string Source { get; set; } = "";

    /// <summary>The database.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string Path { get; set; } = "";

    /// <summary>Repairs also a replica that nothing shows to be this database's.</summary>
    [Parameter]
    public SwitchParameter AdoptReplica { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, Source), Source, out ReplicaLocation? place)
            || !TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, Path), Path, out string? database))
        {
            return;
        }

        ReplicationOptions options = new() { DatabasePath = database, Destinations = [place], AdoptReplica = AdoptReplica };
        Run(async (pipeline, stop) =>
        {
            try
            {
                string phase = "Testing every file";
                using PatientProgress progress = new(pipeline, $"Repairing {place}");
                RepairReport report = await progress.WhileAsync(
                    ReplicaRepair.RunAsync(
                        options,
                        async found =>
                        {
                            bool approved = await ApproveAsync(pipeline, place, found, stop).ConfigureAwait(false);
                            Volatile.Write(ref phase, "Sending what differs, and testing every file again");
                            return approved;
                        },
                        stop),
                    () => (Volatile.Read(ref phase), null)).ConfigureAwait(false);
                if (report.Before.Outcome == VerificationOutcome.Inconclusive)
                {
                    VerificationFinding finding = report.Before.Findings[0];
                    throw new ReplicationException(finding.ErrorId, finding.Message) { Replica = place.Address };
                }

                await pipeline.WriteObjectAsync(SqliteReplicaRepair.From(place, database, report), stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException and not PipelineStoppedException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, place.Address), stop).ConfigureAwait(false);
            }
        });
    }

    private async Task<bool> ApproveAsync(CmdletPipeline pipeline, ReplicaLocation place, VerificationReport found, CancellationToken stop)
    {
        foreach (VerificationFinding finding in found.Findings)
        {
            await pipeline.WriteVerboseAsync(finding.Message, stop).ConfigureAwait(false);
        }

        return await pipeline.InvokeAsync(
            () => ShouldProcess(place.Address, $"Repair: {found.Findings.Count} faults; what differs from the last good point is sent, or a full image"), stop).ConfigureAwait(false);
    }
}
