namespace Litestream.PowerShell.Services;

/// <summary>Where a service's files lie, and the commands that make them known and forget them.</summary>
/// <param name="Kind">Whose: systemd's or the Task Scheduler's.</param>
/// <param name="Script">Full path of the script.</param>
/// <param name="Definition">Full path of the unit or of the task's XML.</param>
/// <param name="ForUser">It belongs to a user's own manager.</param>
internal sealed record ServiceFiles(SqliteServiceKind Kind, string Script, string Definition, bool ForUser)
{
    /// <summary>The places that the system looks at; those of the user where this is not root.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="kind">Whose.</param>
    internal static ServiceFiles OfSystem(string name, SqliteServiceKind kind)
    {
        if (kind == SqliteServiceKind.ScheduledTask)
        {
            string data = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "Litestream");
            return new ServiceFiles(kind, Path.Combine(data, name + ".ps1"), Path.Combine(data, name + ".xml"), ForUser: false);
        }

        string configuration = Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData);
        return Environment.IsPrivilegedProcess
            ? new ServiceFiles(kind, $"/etc/litestream/{name}.ps1", $"/etc/systemd/system/{name}.service", ForUser: false)
            : new ServiceFiles(
                kind, Path.Combine(configuration, "litestream", name + ".ps1"), Path.Combine(configuration, "systemd", "user", name + ".service"), ForUser: true);
    }

    /// <summary>The services that have both their files where the system looks for them.</summary>
    internal static IEnumerable<(string Name, string Definition)> Registered()
    {
        ServiceFiles pattern = OfSystem("*", OperatingSystem.IsWindows() ? SqliteServiceKind.ScheduledTask : SqliteServiceKind.Systemd);
        string folder = Path.GetDirectoryName(pattern.Script)!;
        return (Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.ps1") : [])
            .Select(script => Path.GetFileNameWithoutExtension(script)!)
            .Select(name => (name, OfSystem(name, pattern.Kind).Definition))
            .Where(service => File.Exists(service.Definition));
    }

    /// <summary>
    /// Makes the folder of the script, or proves that nobody else may write there: the script runs as whoever the service runs as, often the
    /// system itself. On Windows anybody may make a folder where those of programs lie, before an administrator does; elsewhere the places are root's
    /// or the user's own.
    /// </summary>
    /// <exception cref="IOException">It is somebody else's, or open to others, or cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    internal void EnsureOurs()
    {
        string folder = Path.GetDirectoryName(Script)!;
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        ClosedFolder.Create(folder, readable: true);
        if (ClosedFolder.Distrust(folder) is { } reason)
        {
            throw new IOException(
                $"'{folder}', where the scripts of services lie, is not believed: {reason}, who could let the service run anything. Nothing was registered. "
                + "Look at what is in the folder, then remove it, or give it to the administrators and take the right to write from all others.");
        }
    }

    /// <summary>All in one folder.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="kind">Whose.</param>
    /// <param name="folder">Full path.</param>
    internal static ServiceFiles In(string name, SqliteServiceKind kind, string folder) => new(
        kind, Path.Combine(folder, name + ".ps1"), Path.Combine(folder, name + (kind == SqliteServiceKind.Systemd ? ".service" : ".xml")), ForUser: false);

    /// <summary>What makes the service known and starts it.</summary>
    /// <param name="name">The service's name.</param>
    internal IReadOnlyList<string[]> RegisterCommands(string name) => Kind == SqliteServiceKind.ScheduledTask
        ? [["schtasks", "/Create", "/TN", name, "/XML", Definition, "/F"], ["schtasks", "/Run", "/TN", name]]
        : [Systemctl("daemon-reload"), Systemctl("enable", name + ".service"), Systemctl("restart", name + ".service")];

    /// <summary>What ends the service and forgets it.</summary>
    /// <param name="name">The service's name.</param>
    internal IReadOnlyList<string[]> UnregisterCommands(string name) => Kind == SqliteServiceKind.ScheduledTask
        ? [["schtasks", "/End", "/TN", name], ["schtasks", "/Delete", "/TN", name, "/F"]]
        : [Systemctl("disable", "--now", name + ".service")];

    /// <summary>Whether entries of the services go to Windows' event log.</summary>
    internal bool HasEventLog => Kind == SqliteServiceKind.ScheduledTask;

    /// <summary>What makes the service manager look at its files again once they are gone.</summary>
    internal IReadOnlyList<string[]> AfterRemoval => Kind == SqliteServiceKind.Systemd ? [Systemctl("daemon-reload")] : [];

    private string[] Systemctl(params string[] arguments) => ForUser ? ["systemctl", "--user", .. arguments] : ["systemctl", .. arguments];
}
