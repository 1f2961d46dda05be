using System.Management.Automation;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Reads a litestream.yml and puts out an object for each database.</para>
/// <para type="description">Takes every key that Litestream 0.5 knows. A key that it does not know is an error with line, column and the nearest
/// that it does; one that has no effect here is a warning. Start-SqliteReplication -ConfigurationPath replicates all of it at once.</para>
/// </summary>
[Cmdlet(VerbsData.Import, "SqliteReplicationConfiguration")]
[OutputType(typeof(SqliteReplicationConfiguration))]
public sealed class ImportSqliteReplicationConfigurationCommand : PSCmdlet
{
    /// <summary>The file.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName", "ConfigurationPath")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Leaves $NAME and ${NAME} as they stand.</summary>
    [Parameter]
    public SwitchParameter NoEnvironmentExpansion { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            ConfigurationFile file = ConfigurationFile.Read(SessionState, Path, !NoEnvironmentExpansion);
            file.Notes.ForEach(WriteWarning);
            WriteObject(file.Databases.Select(database => SqliteReplicationConfiguration.From(database, file.Path)), enumerateCollection: true);
        }
        catch (LitestreamException exception)
        {
            WriteError(ErrorTable.Record(exception, Path));
        }
    }
}
