using System.Management.Automation;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Tests whether a litestream.yml says what can be done.</para>
/// <para type="description">$true if Start-SqliteReplication -ConfigurationPath would take it; else $false and an error with line and column.
/// What has no effect here, and environment variables that are not set, are warnings. Nothing is opened or written.</para>
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "SqliteReplicationConfiguration")]
[OutputType(typeof(bool))]
public sealed class TestSqliteReplicationConfigurationCommand : PSCmdlet
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
        ReplicationException? shared = null;
        try
        {
            ConfigurationFile file = ConfigurationFile.Read(SessionState, Path, !NoEnvironmentExpansion);
            file.Notes.ForEach(WriteWarning);
            shared = DestinationRules.Violation([.. file.Databases.Select(database => database.ToReplicationOptions())], []);
            WriteObject(shared is null);
        }
        catch (LitestreamException exception)
        {
            WriteObject(false);
            WriteError(ErrorTable.Record(exception, Path));
        }

        if (shared is not null)
        {
            WriteError(ErrorTable.Record(shared, Path));
        }
    }
}
