using System.Management.Automation;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Services;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Ends a service that Register-SqliteReplicationService has made, and removes its files.</para>
/// <para type="description">Replicas, databases and the environment file with keys are left alone.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Unregister, "SqliteReplicationService", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(void))]
public sealed class UnregisterSqliteReplicationServiceCommand : PSCmdlet
{
    /// <summary>The service's name.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidatePattern(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    [ArgumentCompleter(typeof(ServiceNameCompleter))]
    public string Name { get; set; } = "litestream";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        SqliteServiceKind kind = OperatingSystem.IsWindows() ? SqliteServiceKind.ScheduledTask : SqliteServiceKind.Systemd;
        ServiceFiles files = ServiceFiles.OfSystem(Name, kind);
        try
        {
            if (!File.Exists(files.Definition))
            {
                throw new ReplicationException(
                    "FileNotFound", $"There is no service '{Name}': '{files.Definition}' is not there. Nothing was changed. Give the name that it was registered with.");
            }

            foreach (string[] command in files.UnregisterCommands(Name))
            {
                Run(command);
            }

            foreach (string file in (string[])[files.Definition, files.Script])
            {
                if (ShouldProcess($"Delete '{file}'", $"Delete '{file}'?", Name))
                {
                    File.Delete(file);
                }
            }

            RemoveEventSource(files);
            foreach (string[] command in files.AfterRemoval)
            {
                Run(command);
            }
        }
        catch (Exception exception) when (exception is LitestreamException or IOException or UnauthorizedAccessException)
        {
            WriteError(ErrorTable.Record(exception, Name));
        }
    }

    private void RemoveEventSource(ServiceFiles files)
    {
        const string What = $"Remove the source '{EventSource.Name}' of Windows' event log";
        bool last = files.HasEventLog && ServiceFiles.Registered().All(service => service.Name == Name);
        if (last && ShouldProcess(What, What + "?", Name) && OperatingSystem.IsWindows() && EventSource.TryRemove() is { } failure)
        {
            WriteWarning($"The event source '{EventSource.Name}' could not be removed: {failure} It does no harm.");
        }
    }

    private void Run(string[] command)
    {
        string text = string.Join(' ', command);
        if (ShouldProcess($"Run '{text}'", $"Run '{text}'?", Name))
        {
            ServiceManager.Run(command);
        }
    }
}
