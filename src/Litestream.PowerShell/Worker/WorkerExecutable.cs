using System.Reflection;

namespace Litestream.PowerShell.Worker;

/// <summary>The program that a worker runs in: another process of what the caller itself runs in.</summary>
/// <param name="Path">Full path of the executable.</param>
/// <param name="Arguments">What comes before the PowerShell arguments.</param>
internal sealed record WorkerExecutable(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>Environment variable with the path of an executable to use; for programs that host the engine themselves.</summary>
    internal const string Variable = "LITESTREAM_WORKER_HOST";

    private const string OwnHost = "Litestream.Host";

    /// <summary>Finds it.</summary>
    /// <param name="psHome">The engine's folder, <c>$PSHOME</c>.</param>
    /// <exception cref="ReplicationException">There is none.</exception>
    internal static WorkerExecutable Find(string psHome)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            return File.Exists(chosen)
                ? new WorkerExecutable(chosen, [])
                : throw Missing($"{Variable} names '{chosen}', which does not exist.");
        }

        string pwsh = System.IO.Path.Combine(psHome, ExecutableName("pwsh"));
        if (File.Exists(pwsh))
        {
            return new WorkerExecutable(pwsh, []);
        }

        return OwnHostExecutable() ?? throw Missing(
            $"A replication runs in a process of its own, but there is no pwsh in '{psHome}', and this program is not {OwnHost}. "
            + $"Run it in one of these, set {Variable} to the path of one of them, or replicate in this process with -Wait.");
    }

    private static WorkerExecutable? OwnHostExecutable()
    {
        if (Assembly.GetEntryAssembly() is not { } entry || entry.GetName().Name != OwnHost)
        {
            return null;
        }

        string beside = System.IO.Path.Combine(AppContext.BaseDirectory, ExecutableName(OwnHost));
        return File.Exists(beside) ? new WorkerExecutable(beside, [])
            : Environment.ProcessPath is { } dotnet ? new WorkerExecutable(dotnet, [entry.Location])
            : null;
    }

    private static string ExecutableName(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;

    private static ReplicationException Missing(string message) => new(ErrorTable.WorkerHostNotFound, message);
}
