using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Verification;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Tests whether a replica can be restored, and whether the result is right.</para>
/// <para type="description">Puts out $true only if everything was proven to the depth asked for, $false otherwise; each thing found
/// wrong, or not provable, is a non-terminating error with its reason. -Detailed puts out the whole report instead of $true or
/// $false.</para>
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "SqliteReplica")]
[OutputType(typeof(bool), typeof(SqliteReplicaTest))]
public sealed class TestSqliteReplicaCommand : AsyncCmdlet
{
    private const int DefaultTimeoutSeconds = 60;

    private int? _depth;
    private int? _integrityCheck;

    /// <summary>The replica's place: a folder path or a <c>file://</c> URL.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Destination")]
    [ValidateNotNullOrEmpty]
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string Source { get; set; } = "";

    /// <summary>The live database to compare with.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string? Path { get; set; }

    /// <summary>How deep: Files, Restore or Compare. Compare where -Path is given, else Restore.</summary>
    [Parameter]
    public VerificationDepth? Depth
    {
        get => (VerificationDepth?)_depth;
        set => _depth = (int?)value;
    }

    /// <summary>What SQLite itself checks of the restored copy: None, Quick or Full. By default Full.</summary>
    [Parameter]
    public IntegrityCheck? IntegrityCheck
    {
        get => (IntegrityCheck?)_integrityCheck;
        set => _integrityCheck = (int?)value;
    }

    /// <summary>How many seconds Compare waits for the replica to reach the state of the database.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Timeout { get; set; } = DefaultTimeoutSeconds;

    /// <summary>Puts out the report instead of $true or $false.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        VerificationDepth depth = Depth ?? (Path is null ? VerificationDepth.Restore : VerificationDepth.Compare);
        if (depth == VerificationDepth.Compare && Path is null)
        {
            Refuse(ErrorTable.ParametersContradict, "Depth Compare needs -Path, the live database to compare the replica with.", Source);
        }

        IntegrityCheck check = IntegrityCheck ?? (depth == VerificationDepth.Files ? Restoration.IntegrityCheck.None : Restoration.IntegrityCheck.Full);
        if (depth == VerificationDepth.Files && check != Restoration.IntegrityCheck.None)
        {
            Refuse(
                ErrorTable.ParametersContradict,
                "Depth Files restores nothing that SQLite could check: leave -IntegrityCheck away, or ask for depth Restore.",
                Source);
        }

        // Not a place or not a path: the error stands, and the answer is $false as for anything else that was not proven.
        string? database = null;
        if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, Source), Source, out ReplicaLocation? place)
            || (depth == VerificationDepth.Compare
                && !TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, Path!), Path!, out database)))
        {
            WriteObject(false);
            return;
        }

        VerificationOptions options = new()
        {
            Source = place,
            DatabasePath = database,
            Depth = depth,
            IntegrityCheck = check,
            Timeout = TimeSpan.FromSeconds(Timeout),
        };
        Run((pipeline, stop) => TestAsync(pipeline, options, stop));
    }

    private async Task TestAsync(CmdletPipeline pipeline, VerificationOptions options, CancellationToken stop)
    {
        SqliteReplicaTest test;
        using TransferProgress progress = new(pipeline, $"Testing {options.Source}");
        try
        {
            test = SqliteReplicaTest.From(await progress.WhileAsync(ReplicaVerifier.VerifyAsync(options, progress, stop)).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever kept the test from being made, nothing was proven.
            test = new SqliteReplicaTest
            {
                Source = options.Source.Address,
                Path = options.DatabasePath,
                Depth = options.Depth,
                IntegrityCheck = options.IntegrityCheck,
                Outcome = VerificationOutcome.Inconclusive,
                Findings = [new VerificationFinding(ErrorTable.IdOf(exception), exception.Message)],
            };
        }

        await pipeline.WriteObjectAsync(Detailed ? test : test.Outcome == VerificationOutcome.Pass, stop).ConfigureAwait(false);
        foreach (VerificationFinding finding in test.Findings)
        {
            ReplicationException error = new(finding.ErrorId, finding.Message)
            {
                Replica = test.Source,
                File = finding.File,
            };
            await pipeline.WriteErrorAsync(ErrorTable.Record(error, finding.File ?? test.Source), stop).ConfigureAwait(false);
        }
    }
}
