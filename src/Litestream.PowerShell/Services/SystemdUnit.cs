namespace Litestream.PowerShell.Services;

/// <summary>
/// Writes a systemd unit (systemd.service(5), systemd.exec(5)). SIGTERM ends the script with a last sync of up to 30 s; systemd waits for twice
/// that. What ends by an error is started again after 5 s, however often; what was stopped on request stays stopped.
/// </summary>
internal static class SystemdUnit
{
    /// <summary>Writes it.</summary>
    /// <param name="service">The service.</param>
    /// <param name="forUser">A unit of one user's own manager: it has no user of its own and starts with the user's session.</param>
    internal static string Write(ServiceDescription service, bool forUser)
    {
        string user = service.User is { } name && !forUser ? $"User={name}\n" : "";
        string secrets = Path.ChangeExtension(service.ScriptPath, ".env");
        return $"""
            [Unit]
            Description=Replication of SQLite databases ({service.Name})
            Wants=network-online.target
            After=network-online.target
            StartLimitIntervalSec=0

            [Service]
            Type=exec
            {user}Environment=NO_COLOR=1 POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off DOTNET_CLI_TELEMETRY_OPTOUT=1
            # Keys of accounts, if any: NAME=value, a file of mode 0600.
            EnvironmentFile=-{Escape(secrets)}
            WorkingDirectory={Escape(service.WorkingFolder)}
            ExecStart={string.Join(' ', service.Arguments.Prepend(service.Executable).Select(Quote))}
            KillSignal=SIGTERM
            TimeoutStopSec=60
            Restart=on-failure
            RestartSec=5

            [Install]
            WantedBy={(forUser ? "default.target" : "multi-user.target")}

            """.ReplaceLineEndings("\n");
    }

    // In quotes; % and $ begin what systemd expands.
    private static string Quote(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '.' or '_')
            ? text
            : $"\"{Escape(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}\"";

    private static string Escape(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
