using System.Management.Automation.Language;
using Litestream.PowerShell.Observation;

namespace Litestream.PowerShell.Services;

/// <summary>Writes the script that a service runs. It ends with 1 on an error, so that the service manager starts it again, and else with 0.</summary>
internal static class ServiceScript
{
    /// <summary>Writes it.</summary>
    /// <param name="service">The service.</param>
    internal static string Write(ServiceDescription service) =>
        $"""
        # Written by Register-SqliteReplicationService for the service '{service.Name}', which runs it.
        $ErrorActionPreference = 'Stop'{(service.EventSource is { } source ? $"\n$env:{Observers.EventSourceVariable} = {Quote(source)}" : "")}
        Import-Module {Quote(service.Manifest)}
        {service.StartCommand}
        exit 0

        """.ReplaceLineEndings("\n");

    /// <summary>Starts what a configuration file names.</summary>
    /// <param name="configuration">Full path.</param>
    /// <param name="options">Further parameters, each with a space before it.</param>
    internal static string StartConfiguration(string configuration, string options) =>
        $"Start-SqliteReplication -ConfigurationPath {Quote(configuration)} -Wait{options}";

    /// <summary>Starts databases.</summary>
    /// <param name="databases">Full paths, and addresses of destinations.</param>
    /// <param name="options">Further parameters, each with a space before it.</param>
    internal static string StartDatabases(IEnumerable<(string Path, IReadOnlyList<string> Destinations)> databases, string options) =>
        "@(\n"
        + string.Concat(databases.Select(database =>
            $"    [pscustomobject]@{{ Path = {Quote(database.Path)}; Destination = {string.Join(", ", database.Destinations.Select(Quote))} }}\n"))
        + $") | Start-SqliteReplication -Wait{options}";

    /// <summary>A text in single quotes.</summary>
    /// <param name="text">Any.</param>
    internal static string Quote(string text) => $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
