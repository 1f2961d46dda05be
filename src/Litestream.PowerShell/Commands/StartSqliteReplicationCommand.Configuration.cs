using System.Management.Automation;
using Litestream.Configuration;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

// What comes from a configuration file. A parameter that is given goes before the file.
public sealed partial class StartSqliteReplicationCommand
{
    private const string ConfigurationSet = "Configuration";

    private readonly HashSet<string> _restoreIfMissing = [];
    private LitestreamConfiguration _configuration = new();

    /// <summary>A litestream.yml: its databases, folders of databases, destinations and settings.</summary>
    [Parameter(ParameterSetName = ConfigurationSet, Mandatory = true)]
    [Alias("ConfigurationFile")]
    [ValidateNotNullOrEmpty]
    public string ConfigurationPath { get; set; } = "";

    /// <summary>Leaves $NAME and ${NAME} in the file as they stand.</summary>
    [Parameter(ParameterSetName = ConfigurationSet)]
    public SwitchParameter NoEnvironmentExpansion { get; set; }

    /// <summary>Restores a database that is not there from the destination with the newest state, before its replication begins.</summary>
    [Parameter]
    public SwitchParameter RestoreIfMissing { get; set; }

    private void ReadConfiguration()
    {
        ConfigurationFile file;
        try
        {
            file = ConfigurationFile.Read(SessionState, ConfigurationPath, !NoEnvironmentExpansion);
        }
        catch (LitestreamException exception)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, ConfigurationPath));
            return;
        }

        file.Notes.ForEach(WriteWarning);
        _configuration = file.Content;
        bool watches = !Once && !AsJob && !HasApplication;
        if (watches)
        {
            _watched.AddRange(file.Content.Databases.Where(entry => entry is { Watch: true, Folder: not null })
                .Select(entry => new DirectoryReplication(entry.Folder!, Options(entry))));
        }
        else if (!Once && file.Content.Databases.Any(entry => entry.Watch))
        {
            WriteWarning($"'{file.Path}' watches folders, but -AsJob and an application replicate what is there now: databases that come later are left out.");
        }

        // What was in a watched folder by now is found there by the watch.
        foreach (DatabaseConfiguration database in file.Databases.Where(database => !watches || !database.Watch))
        {
            _replications.Add(Options(database));
            if (database.RestoreIfMissing)
            {
                _restoreIfMissing.Add(database.Path);
            }
        }
    }

    private ReplicationOptions Options(DatabaseConfiguration database)
    {
        ReplicationOptions configured = database.ToReplicationOptions();
        return Options(database.Path, [.. database.Destinations.Select(SessionLocations.Remember)]) with
        {
            BusyTimeout = configured.BusyTimeout,
            SyncInterval = SyncInterval ?? configured.SyncInterval,
            Maintenance = Maintenance(configured.Maintenance, destination: 0),
            DestinationMaintenance = MaintenanceOfEach(configured.Destinations, configured.MaintenanceOf),
        };
    }

    /// <summary>From Litestream's <c>addr</c>, host and port, to a prefix; without a host it is open to the network there and here.</summary>
    private static string? MetricsPrefixOf(string? address) => address is null ? null
        : address.StartsWith(':') ? $"http://*{address}/" : $"http://{address}/";
}
