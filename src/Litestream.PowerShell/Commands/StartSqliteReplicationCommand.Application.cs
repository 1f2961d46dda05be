using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Litestream.PowerShell.Services;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

// An application that runs under replication, as with Litestream's replicate -exec: restore what is missing, start, run, last sync.
public sealed partial class StartSqliteReplicationCommand
{
    /// <summary>Runs this while replication goes on, and ends with a last sync when it has ended, however it ended. Databases that are not
    /// there are restored before it begins. Its output is passed on.</summary>
    [Parameter]
    [ValidateNotNull]
    public ScriptBlock? ScriptBlock { get; set; }

    /// <summary>Runs this program with its arguments while replication goes on, as -ScriptBlock does; $LASTEXITCODE is its exit code.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? Command { get; set; }

    /// <summary>Makes it a job: Receive-Job gets its changes of state, Stop-Job does a last sync and ends it.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    // With -Wait the file's own exec is the application, as with Litestream's replicate.
    private bool HasApplication => ScriptBlock is not null || Command is not null || (Wait && _configuration.Command is not null);

    private void RefuseContradictingModes()
    {
        string[] modes = [.. new (bool Given, string Name)[]
        {
            (Wait, "-Wait"), (Once, "-Once"), (AsJob, "-AsJob"), (ScriptBlock is not null, "-ScriptBlock"), (Command is not null, "-Command"),
        }.Where(mode => mode.Given).Select(mode => mode.Name)];
        if (modes.Length > 1)
        {
            Refuse(ErrorTable.ParametersContradict, $"{string.Join(" and ", modes)} exclude each other: each says when the replication ends. Give one of them.", null);
        }
    }

    private void StartJob(ReplicationOptions[] wanted)
    {
        ReplicationJob job = new(MyInvocation.Line, wanted, _observation, (string)GetVariableValue("PSHOME"));
        JobRepository.Add(job);
        job.Begin();
        WriteObject(job);
    }

    private void RunApplication(ReplicationOptions[] wanted)
    {
        string home = (string)GetVariableValue("PSHOME");
        List<SessionReplication> started = [];
        try
        {
            Run(async (pipeline, stop) =>
            {
                foreach (ReplicationOptions options in wanted)
                {
                    await MissingDatabase.RestoreAsync(pipeline, options, stop).ConfigureAwait(false);
                    SessionReplication replication = await SessionReplications.Current.StartAsync(options, _observation, home, stop).ConfigureAwait(false);
                    started.Add(replication);
                    await Notices.WriteAsync(pipeline, replication.Status, stop).ConfigureAwait(false);
                }
            });
            RunApplication();
        }
        finally
        {
            // Also when the application has failed or Ctrl-C has ended it: what it has committed goes up.
            EndAfterApplication(started);
        }
    }

    // Straight into this cmdlet's own output, so that it passes on as it comes, and Ctrl-C reaches what runs.
    private void RunApplication()
    {
        string call = ScriptBlock is not null ? "& $args[0]"
            : Command is null ? $"& {_configuration.Command}"
            : $"& {string.Join(' ', Command.Select(ServiceScript.Quote))}";
        InvokeCommand.InvokeScript(call, useNewScope: true, PipelineResultTypes.Output | PipelineResultTypes.Error, input: null, ScriptBlock);
    }

    private void EndAfterApplication(List<SessionReplication> started)
    {
        Task<SqliteReplication>[] ending =
            [.. started.Select(replication => SessionReplications.Current.StopAsync(replication, WorkerProtocol.LastSyncLimit, CancellationToken.None))];
        foreach (SqliteReplication last in Task.WhenAll(ending).GetAwaiter().GetResult())
        {
            if (LastSync.Shortfall(last) is { } shortfall && !Stopping)
            {
                WriteError(ErrorTable.Record(shortfall, last.Path));
            }
        }
    }
}
