using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Makes a database file from a replica.</para>
/// <para type="description">The file appears whole and verified under its name, or not at all. An existing file is refused; with
/// -Force it is replaced, but only once the new one is whole and verified. -WhatIf shows what would be read, and to which transaction
/// it leads. Without -TransactionId or -At the newest state is restored; Get-SqliteRestorePoint lists what they can name. A replica that
/// Litestream 0.3 wrote is restored too; where a newer one stands at the same place, the one that gives the newer state. With -Follow the
/// copy is kept up to date until Ctrl-C while others read it: each step is one transaction for them and for a crash.</para>
/// </summary>
[Cmdlet(VerbsData.Restore, "SqliteDatabase", SupportsShouldProcess = true, DefaultParameterSetName = NewestSet)]
[OutputType(typeof(SqliteRestore), typeof(SqliteFollow))]
public sealed class RestoreSqliteDatabaseCommand : AsyncCmdlet
{
    private const string NewestSet = "Newest";
    private const string TimeSet = "Time";
    private const string FollowSet = "Follow";

    private int _integrityCheck;

    /// <summary>The replica's place: a folder path or a <c>file://</c> URL.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination")]
    [ValidateNotNullOrEmpty]
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string Source { get; set; } = "";

    /// <summary>Path of the database file to make.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string OutputPath { get; set; } = "";

    /// <summary>The transaction to restore, exactly: a number, <c>0x</c> and hex digits, or the 16 hex digits of a replica file's name. That of a
    /// restore point from the pipeline. Without it: the newest.</summary>
    [Parameter(ParameterSetName = NewestSet, ValueFromPipelineByPropertyName = true)]
    [Alias("Txid")]
    [TransactionId]
    [ValidateRange(1UL, ulong.MaxValue)]
    [ArgumentCompleter(typeof(RestorePointCompleter))]
    public ulong? TransactionId { get; set; }

    /// <summary>
    /// The moment to restore: a DateTime, text such as <c>2026-11-22T10:00Z</c> (local time without a zone), or an age such as
    /// <c>5 minutes ago</c>. The newest state that can be restored at or before it is; -Verbose says which.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = TimeSet)]
    [Moment]
    [ArgumentCompleter(typeof(RestorePointCompleter))]
    public DateTimeOffset At { get; set; }

    /// <summary>Keeps the copy up to date until Ctrl-C. It stays an ordinary database, for reading; the file <c>OutputPath-follow</c> says where
    /// it stands, and the next start goes on from there.</summary>
    [Parameter(Mandatory = true, ParameterSetName = FollowSet)]
    public SwitchParameter Follow { get; set; }

    /// <summary>How often the replica is looked at. By default 1s.</summary>
    [Parameter(ParameterSetName = FollowSet)]
    [Duration]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Brings the copy up to date and ends: for scheduled tasks.</summary>
    [Parameter(ParameterSetName = FollowSet)]
    public SwitchParameter Once { get; set; }

    /// <summary>What SQLite itself checks in the new file, beyond the checksums of every replica file, which are always met.</summary>
    [Parameter]
    public IntegrityCheck IntegrityCheck
    {
        get => (IntegrityCheck)_integrityCheck;
        set => _integrityCheck = (int)value;
    }

    /// <summary>Replaces an existing file, once the new one is whole and verified.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Does nothing if the file exists already. For a service that starts on a machine that may be new.</summary>
    [Parameter]
    public SwitchParameter IfMissing { get; set; }

    /// <summary>Puts out what was restored.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Force && IfMissing)
        {
            Refuse(ErrorTable.ParametersContradict, "-Force replaces an existing database, -IfMissing leaves it alone: give one of them.", OutputPath);
        }

        if (Follow && IfMissing)
        {
            Refuse(ErrorTable.ParametersContradict, "-Follow goes on with a copy that exists, -IfMissing would leave it alone: give one of them.", OutputPath);
        }

        if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, Source), Source, out ReplicaLocation? place)
            || !TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, OutputPath), OutputPath, out string? output))
        {
            return;
        }

        if (Follow)
        {
            FollowReplica(place, output);
            return;
        }

        RestoreOptions options = new()
        {
            Source = place,
            OutputPath = output,
            Force = Force,
            IntegrityCheck = IntegrityCheck,
            TargetTxid = TransactionId,
            TargetTime = ParameterSetName == TimeSet ? At : null,
        };
        Run(async (pipeline, stop) =>
        {
            try
            {
                await RestoreAsync(pipeline, options, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException and not PipelineStoppedException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, output), stop).ConfigureAwait(false);
            }
        });
    }

    private void FollowReplica(ReplicaLocation place, string output)
    {
        FollowOptions options = new() { Source = place, OutputPath = output, Force = Force, Interval = Interval, Once = Once, IntegrityCheck = IntegrityCheck };
        if (!ShouldProcess(output, $"Follow '{place}'"))
        {
            return;
        }

        Run(async (pipeline, stop) =>
        {
            try
            {
                await new FollowRun(pipeline, PassThru).RunAsync(options, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException and not PipelineStoppedException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, output), stop).ConfigureAwait(false);
            }
        });
    }

    private async Task RestoreAsync(CmdletPipeline pipeline, RestoreOptions options, CancellationToken stop)
    {
        bool exists = File.Exists(options.OutputPath);
        if (exists && IfMissing)
        {
            await pipeline.WriteVerboseAsync($"'{options.OutputPath}' exists; nothing was restored.", stop).ConfigureAwait(false);
            return;
        }

        if (exists && !Force)
        {
            throw new RestoreTargetExistsException(
                $"'{options.OutputPath}' exists already and was left as it is. Use -Force to replace it, or another path.")
            {
                File = options.OutputPath,
            };
        }

        RestorePlan plan = await PlanAsync(pipeline, options, stop).ConfigureAwait(false);
        if (options.TargetTime is { } wanted && plan.Timestamp != wanted)
        {
            await pipeline.WriteVerboseAsync(
                FormattableString.Invariant(
                    $"No transaction of {wanted.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff} can be restored; the nearest one before it is taken: {Point(plan)} of {plan.Timestamp.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff}."),
                stop).ConfigureAwait(false);
        }

        await WriteFormatAsync(pipeline, plan, stop).ConfigureAwait(false);
        foreach (ReplicaFile file in plan.Files)
        {
            await pipeline.WriteVerboseAsync($"Reads level {file.Level} {file.Name}, {Readable.Size(file.Size)}", stop).ConfigureAwait(false);
        }

        string action = $"{(exists ? "Replace by a restore" : "Restore")} to {Point(plan)} of {plan.Timestamp.LocalDateTime:yyyy-MM-dd HH:mm:ss} "
            + $"from {plan.FileCount} files ({Readable.Size(plan.Bytes)}) in {plan.Source}";
        if (!await pipeline.InvokeAsync(() => ShouldProcess(options.OutputPath, action), stop).ConfigureAwait(false))
        {
            return;
        }

        using TransferProgress progress = new(pipeline, $"Restoring {options.OutputPath}");
        RestoreResult result = await progress.WhileAsync(DatabaseRestorer.RestoreAsync(options, progress, stop)).ConfigureAwait(false);
        if (PassThru)
        {
            await pipeline.WriteObjectAsync(SqliteRestore.From(plan.Source, result), stop).ConfigureAwait(false);
        }
    }

    private static async Task<RestorePlan> PlanAsync(CmdletPipeline pipeline, RestoreOptions options, CancellationToken stop)
    {
        using PatientProgress progress = new(pipeline, $"Restoring {options.OutputPath}");
        return await progress.WhileAsync(
            DatabaseRestorer.PlanAsync(options, stop), () => ("Looking for the files that lead to it", null)).ConfigureAwait(false);
    }

    private static async Task WriteFormatAsync(CmdletPipeline pipeline, RestorePlan plan, CancellationToken stop)
    {
        if (plan.Legacy is not { } legacy)
        {
            if (plan.PassedOver is { } older)
            {
                await pipeline.WriteVerboseAsync(
                    $"A replica of Litestream 0.3 stands there too, up to {older.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff}: it is older and was passed over.", stop).ConfigureAwait(false);
            }

            return;
        }

        await pipeline.WriteVerboseAsync(
            $"Reads what Litestream 0.3 wrote: snapshot {legacy.Snapshot.Index:x8} and {legacy.Segments.Count} WAL segments of generation {legacy.Snapshot.Generation}",
            stop).ConfigureAwait(false);
        if (plan.PassedOver is { } other)
        {
            await pipeline.WriteWarningAsync(
                $"Two replicas stand at '{plan.Source}'. That of Litestream 0.3 is the newer, of {plan.Timestamp.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff}, and is restored; "
                + $"the other ends at {other.LocalDateTime:yyyy-MM-dd HH:mm:ss.fff}. If its files only look newer because they were copied, restore a -TransactionId of the other.",
                stop).ConfigureAwait(false);
        }
    }

    private static string Point(RestorePlan plan) =>
        plan.Legacy is { } legacy ? $"generation {legacy.Snapshot.Generation} of Litestream 0.3" : $"TXID {plan.Txid}";
}
