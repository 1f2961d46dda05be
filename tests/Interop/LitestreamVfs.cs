using System.Runtime.InteropServices;

namespace Litestream.Tests.Interop;

/// <summary>
/// The real Litestream, as far as npm has it: its VFS for SQLite, installed beside the tests once for each content of the
/// lock file. Where it cannot be had, <see cref="Absence"/> says why.
/// </summary>
public sealed class LitestreamVfs : IAsyncLifetime
{
    private static readonly TimeSpan InstallPatience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan QueryPatience = TimeSpan.FromMinutes(2);

    private const string Shell = "sqlite3";

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

        if (await Command.RunAsync(QueryPatience, Shell, ["--version"]) is null)
        {
            Absence = $"{Shell}, SQLite's shell, is not installed, which loads litestream-vfs";
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

    /// <summary>Opens a replica through the VFS and runs SQL on it; a text of SQL literals each, as SQLite's shell quotes them.</summary>
    /// <param name="replica">The replica's folder.</param>
    /// <param name="sql">What to run, in order, on one connection.</param>
    public Task<string[]> QueryAsync(string replica, params string[] sql) => RunAsync(replica, write: false, sql);

    /// <summary>Writes to a replica through the VFS, which adds one file to it, or makes it.</summary>
    /// <param name="replica">The replica's folder.</param>
    /// <param name="sql">What to run, in order, on one connection.</param>
    public Task<string[]> WriteAsync(string replica, params string[] sql) => RunAsync(replica, write: true, sql);

    /// <summary>Runs SQL on an ordinary database; a text of SQL literals each.</summary>
    /// <param name="database">Path of the database.</param>
    /// <param name="sql">What to run.</param>
    public static Task<string[]> QueryDatabaseAsync(string database, params string[] sql) =>
        ShellAsync(["-readonly", database], [], sql, []);

    private Task<string[]> RunAsync(string replica, bool write, string[] sql)
    {
        string folder = Path.GetDirectoryName(replica)!;
        return ShellAsync(
            [":memory:"],

            // An extension that registers a VFS is loaded over any connection; the one that uses the VFS comes after.
            [$".load '{_extension}'", ".open 'file:replica.db?vfs=litestream'"],
            sql,
            [
                ("LITESTREAM_REPLICA_URL", $"file://{replica}"),

                // It logs to standard output, among the rows, unless told otherwise.
                ("LITESTREAM_LOG_FILE", Path.Combine(folder, "litestream-vfs.log")),

                // Where it leaves the buffers of its write mode behind.
                ("TMPDIR", folder),
                ("LITESTREAM_WRITE_ENABLED", write ? "true" : "false"),
            ]);
    }

    /// <summary>
    /// SQLite's own shell: the extension brings the Go runtime with it, whose signal handlers a process of .NET dies of once in
    /// a great while.
    /// </summary>
    private static async Task<string[]> ShellAsync(
        string[] args, string[] before, string[] sql, (string Name, string Value)[] environment)
    {
        // Unlikely to stand in a row of any test.
        const string end = "---- end of rows ----";
        string[] script = [.. before, ".mode quote", .. sql.Select(text => $"{text};\n.print '{end}'")];
        Command.Result result = await Command.RunAsync(
            QueryPatience, Shell, ["-batch", "-bail", .. args], environment, string.Join('\n', script) + "\n")
            ?? throw new InvalidOperationException($"{Shell} is not installed.");
        return result.ExitCode == 0
            ? result.Output.Split(end + "\n")[..^1]
            : throw new InvalidOperationException($"{Shell} {string.Join(' ', args)} ended with {result.ExitCode}: {result.Output} {result.Errors}");
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
