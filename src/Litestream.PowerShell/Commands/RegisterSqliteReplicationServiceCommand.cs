using System.Globalization;
using System.Management.Automation;
using System.Text;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Services;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Makes a service of replications: a systemd unit on Linux, a scheduled task on Windows.</para>
/// <para type="description">Writes a script that runs Start-SqliteReplication -Wait, and the unit or task that runs the script: from the machine's
/// start on, again after a failure, without a limit of time. As root or administrator it is the machine's, else (systemd) the user's own.
/// -WhatIf shows every file and command. Keys of accounts are not written: give them in the unit's environment file.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Register, "SqliteReplicationService", DefaultParameterSetName = PathSet, SupportsShouldProcess = true)]
[OutputType(typeof(SqliteReplicationService))]
public sealed class RegisterSqliteReplicationServiceCommand : PSCmdlet
{
    private const string PathSet = "Path";
    private const string ConfigurationSet = "Configuration";

    private readonly List<(string Path, IReadOnlyList<string> Destinations)> _databases = [];

    /// <summary>A database; it need not exist yet.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName", "LiteralPath")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string Path { get; set; } = "";

    /// <summary>Its replicas' places.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string[] Destination { get; set; } = [];

    /// <summary>A litestream.yml.</summary>
    [Parameter(ParameterSetName = ConfigurationSet, Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string ConfigurationPath { get; set; } = "";

    /// <summary>The service's name.</summary>
    [Parameter]
    [ValidatePattern(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    public string Name { get; set; } = "litestream";

    /// <summary>The user to run as, who must be able to read and write the databases and their folders. By default root, or the local service.</summary>
    [Parameter]
    [ValidatePattern(@"^[A-Za-z0-9_][A-Za-z0-9_. \\@$-]{0,63}$")]
    public string? User { get; set; }

    /// <summary>See Start-SqliteReplication.</summary>
    [Parameter]
    [Duration]
    [ArgumentCompletions("1h", "6h", "24h")]
    public TimeSpan? VerifyInterval { get; set; }

    /// <summary>See Start-SqliteReplication.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompletions("http://localhost:9090/")]
    public string? MetricsPrefix { get; set; }

    /// <summary>See Start-SqliteReplication.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    /// <summary>Whose service it is. By default this system's.</summary>
    [Parameter]
    public SqliteServiceKind Kind { get; set; } = OperatingSystem.IsWindows() ? SqliteServiceKind.ScheduledTask : SqliteServiceKind.Systemd;

    /// <summary>Writes the files to this folder and registers nothing: for images and packages.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? OutputFolder { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == PathSet)
        {
            try
            {
                string database = DatabasePaths.ResolveLiteral(SessionState, Path);
                _databases.Add((database, [.. Destination.Select(place => DatabasePaths.ResolvePlace(SessionState, place).Address)]));
            }
            catch (LitestreamException exception)
            {
                ThrowTerminatingError(ErrorTable.Record(exception, Path));
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        ServiceFiles files = OutputFolder is { } folder
            ? ServiceFiles.In(Name, Kind, DatabasePaths.ResolveLiteral(SessionState, folder))
            : ServiceFiles.OfSystem(Name, Kind);
        ServiceDescription service = Describe(files);
        Encoding encoding = Kind == SqliteServiceKind.Systemd ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) : Encoding.Unicode;
        string definition = Kind == SqliteServiceKind.Systemd ? SystemdUnit.Write(service, files.ForUser) : ScheduledTask.Write(service);
        try
        {
            bool all = WriteFile(files, files.Script, ServiceScript.Write(service), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
                & WriteFile(files, files.Definition, definition, encoding);
            if (OutputFolder is null && files.HasEventLog)
            {
                RegisterEventSource();
            }

            foreach (string[] command in OutputFolder is null ? files.RegisterCommands(Name) : [])
            {
                if (ShouldProcess($"Run '{string.Join(' ', command)}'", $"Run '{string.Join(' ', command)}'?", Name) && all)
                {
                    ServiceManager.Run(command);
                }
            }

            if (all)
            {
                WriteObject(new SqliteReplicationService
                {
                    Name = Name,
                    Kind = Kind,
                    ScriptPath = files.Script,
                    DefinitionPath = files.Definition,
                    Registered = OutputFolder is null,
                });
            }
        }
        catch (Exception exception) when (exception is LitestreamException or IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, Name));
        }
    }

    private ServiceDescription Describe(ServiceFiles files)
    {
        WorkerExecutable executable;
        string start;
        try
        {
            executable = WorkerExecutable.Find((string)GetVariableValue("PSHOME"));
            start = ParameterSetName == PathSet
                ? ServiceScript.StartDatabases(_databases, Options())
                : ServiceScript.StartConfiguration(ConfigurationFile.Read(SessionState, ConfigurationPath, expand: true).Path, Options());
        }
        catch (LitestreamException exception)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, Name));
            throw;
        }

        return new ServiceDescription
        {
            Name = Name,
            Executable = executable.Path,
            FirstArguments = executable.Arguments,
            Manifest = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(WorkerExecutable).Assembly.Location)!, "Litestream.psd1"),
            StartCommand = start,
            ScriptPath = files.Script,
            WorkingFolder = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
            User = User,
            EventSource = files.HasEventLog ? EventSource.Name : null,
        };
    }

    private string Options()
    {
        StringBuilder options = new();
        if (VerifyInterval is { } interval)
        {
            options.Append(CultureInfo.InvariantCulture, $" -VerifyInterval '{interval:c}'");
        }

        if (MetricsPrefix is { } prefix)
        {
            options.Append(CultureInfo.InvariantCulture, $" -MetricsPrefix {ServiceScript.Quote(prefix)}");
        }

        if (LogPath is { } log)
        {
            options.Append(CultureInfo.InvariantCulture, $" -LogPath {ServiceScript.Quote(DatabasePaths.ResolveLiteral(SessionState, log))}");
        }

        return options.ToString();
    }

    private void RegisterEventSource()
    {
        const string What = $"Register the source '{EventSource.Name}' of Windows' event log";
        if (ShouldProcess(What, What + "?", Name) && OperatingSystem.IsWindows() && EventSource.TryRegister() is { } failure)
        {
            WriteWarning($"The event source '{EventSource.Name}' could not be registered: {failure} The service writes its entries all the same; the Event Viewer shows them with a remark.");
        }
    }

    private bool WriteFile(ServiceFiles files, string path, string content, Encoding encoding)
    {
        if (!ShouldProcess($"Write '{path}':{Environment.NewLine}{content}", $"Write '{path}'?", Name))
        {
            return false;
        }

        if (OutputFolder is null)
        {
            files.EnsureOurs();
        }

        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content, encoding);
        return true;
    }
}
