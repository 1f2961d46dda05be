using System.Runtime.InteropServices;

namespace Litestream.Tests.Interop;

/// <summary>
/// The real Litestream, as far as npm has it: its VFS for SQLite, installed beside the tests once for each content of the
/// lock file. Where it cannot be had, <see cref="Absence"/> says why.
/// </summary>
public sealed class LitestreamVfs : IAsyncLifetime
{
    private static readonly TimeSpan InstallPatience = TimeSpan.FromMinutes(5);

    private const string LockFile = "package-lock.json";

    private static readonly string[] NetworkErrors =
        ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "E404", "ETARGET"];

    private string _extension = "";

    /// <summary>Why Litestream is not there, by the name of what is missing; null if it is.</summary>
    public string? Absence { get; private set; }

    public async Task InitializeAsync()
    {
        (string? package, string file) = PlatformPackage();
        if (package is null)
        {
            Absence = $"the npm package litestream-vfs has nothing for {RuntimeInformation.RuntimeIdentifier}";
            return;
        }

        string folder = Path.Combine(AppContext.BaseDirectory, "npm-installed");
        _extension = Path.Combine(folder, "node_modules", package, file);
        string source = Path.Combine(AppContext.BaseDirectory, "npm");
        string wanted = await File.ReadAllTextAsync(Path.Combine(source, LockFile));
        string stamp = Path.Combine(folder, "installed-lock.json");
        if (File.Exists(_extension) && File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        foreach (string name in new[] { "package.json", LockFile })
        {
            File.Copy(Path.Combine(source, name), Path.Combine(folder, name), overwrite: true);
        }

        Absence = await InstallAsync(folder);
        if (Absence is null && !File.Exists(_extension))
        {
            Absence = $"npm has no package {package} here, which litestream-vfs needs";
        }

        if (Absence is null)
        {
            await File.WriteAllTextAsync(stamp, wanted);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Opens a replica through the VFS and runs SQL on it; a line of JSON each.</summary>
    /// <param name="replica">The replica's folder.</param>
    /// <param name="sql">What to run, in order, on one connection.</param>
    public Task<string[]> QueryAsync(string replica, params string[] sql) => RunAsync(replica, write: false, sql);

    /// <summary>Writes to a replica through the VFS, which adds one file to it, or makes it.</summary>
    /// <param name="replica">The replica's folder.</param>
    /// <param name="sql">What to run, in order, on one connection.</param>
    public Task<string[]> WriteAsync(string replica, params string[] sql) => RunAsync(replica, write: true, sql);

    /// <summary>Runs SQL on an ordinary database; a line of JSON each.</summary>
    /// <param name="database">Path of the database.</param>
    /// <param name="sql">What to run.</param>
    public static async Task<string[]> QueryDatabaseAsync(string database, params string[] sql) =>
        Lines(await Command.RunBesideAsync("Litestream.Tests.VfsProbe", ["none", database, .. sql]));

    private async Task<string[]> RunAsync(string replica, bool write, string[] sql)
    {
        // It logs to standard output, among the rows, unless told otherwise.
        string folder = Path.GetDirectoryName(replica)!;
        return Lines(await Command.RunBesideAsync(
            "Litestream.Tests.VfsProbe",
            [_extension, .. sql],
            [
                ("LITESTREAM_REPLICA_URL", $"file://{replica}"),
                ("LITESTREAM_LOG_FILE", Path.Combine(folder, "litestream-vfs.log")),

                // Go interrupts its threads by a signal that .NET knows nothing of.
                ("GODEBUG", "asyncpreemptoff=1"),

                // Where it leaves the buffers of its write mode behind.
                ("TMPDIR", folder),
                ("LITESTREAM_WRITE_ENABLED", write ? "true" : "false"),
            ]));
    }

    /// <summary>Why it cannot be installed, if npm or the network is missing; any other failure is an error of the tests.</summary>
    private static async Task<string?> InstallAsync(string folder)
    {
        // Not "npm ci": it wants the packages of all platforms in the lock file, of which each platform needs one.
        Command.Result? result = await Command.RunAsync(
            InstallPatience, OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["install", "--prefix", folder, "--no-audit", "--no-fund"]);
        if (result is null)
        {
            return "npm is not installed, which brings the package litestream-vfs";
        }

        if (result.ExitCode == 0)
        {
            return null;
        }

        return NetworkErrors.FirstOrDefault(code => result.Errors.Contains($"code {code}", StringComparison.Ordinal)) is { } error
            ? $"npm could not fetch the package litestream-vfs ({error})"
            : throw new InvalidOperationException($"npm install failed: {result.Errors}");
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static (string? Package, string File) PlatformPackage()
    {
        string? architecture = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "amd64",
            Architecture.Arm64 => "arm64",
            _ => null,
        };
        return architecture is null ? (null, "")
            : OperatingSystem.IsMacOS() ? ($"litestream-vfs-darwin-{architecture}", "litestream-vfs.dylib")
            : OperatingSystem.IsLinux() ? ($"litestream-vfs-linux-{architecture}", "litestream-vfs.so")
            : (null, "");
    }
}
