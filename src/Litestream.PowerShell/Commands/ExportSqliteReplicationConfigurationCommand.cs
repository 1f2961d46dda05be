using System.Management.Automation;
using Litestream.Configuration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Writes a litestream.yml from replications or from the databases of another configuration.</para>
/// <para type="description">Keys of accounts and other secrets are not written: give them in the environment, as $NAME in the file. Litestream
/// itself takes one replica a database; several are written as replicas, which only this module takes.</para>
/// </summary>
[Cmdlet(VerbsData.Export, "SqliteReplicationConfiguration", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportSqliteReplicationConfigurationCommand : PSCmdlet
{
    private readonly List<DatabaseConfiguration> _databases = [];

    /// <summary>The file to write.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>What Get-SqliteReplication or Import-SqliteReplicationConfiguration puts out.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true)]
    [ValidateNotNull]
    public PSObject InputObject { get; set; } = new();

    /// <summary>Replaces a file that exists.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Puts the file out.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        DatabaseConfiguration? database = InputObject.BaseObject switch
        {
            SqliteReplicationConfiguration { Entry: { } entry } => entry,
            SqliteReplication replication => new DatabaseConfiguration
            {
                Path = replication.Path,
                Destinations = [.. replication.Destinations.Select(place => DatabasePaths.ResolvePlace(SessionState, place.Destination))],
            },
            _ => null,
        };
        if (database is null)
        {
            ReplicationException wrong = new(
                "InvalidArgument", $"'{InputObject}' is neither a replication nor a database of a configuration. It was left out.");
            WriteError(ErrorTable.Record(wrong, InputObject));
            return;
        }

        if (database.Destinations.Any(place => place is S3Location { Credentials: not null } or S3Location { CustomerKey: not null }))
        {
            WriteWarning($"The key for the replica of '{database.Path}' is not written. Give it in LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY.");
        }

        _databases.Add(database);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        string full = DatabasePaths.ResolveLiteral(SessionState, Path);
        if (File.Exists(full) && !Force)
        {
            ReplicationException exists = new("RestoreTargetExists", $"'{full}' exists and was left as it is. Give another path, or -Force to replace it.") { File = full };
            ThrowTerminatingError(ErrorTable.Record(exists, full));
        }

        // What all have in common stands at the top, where Litestream looks for most of it.
        LitestreamConfiguration configuration = new()
        {
            Databases = _databases,
            Maintenance = _databases.Count > 0 ? _databases[0].Maintenance : new(),
        };
        if (!ShouldProcess(full, $"Write the configuration of {_databases.Count} databases"))
        {
            return;
        }

        try
        {
            File.WriteAllText(full, ConfigurationWriter.Write(configuration));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, full));
        }

        if (PassThru)
        {
            WriteObject(new FileInfo(full));
        }
    }
}
