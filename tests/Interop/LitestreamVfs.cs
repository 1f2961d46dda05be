using System.Runtime.InteropServices;

namespace Litestream.Tests.Interop;

/// <summary>
/// The real Litestream 0.5, as far as npm has it: its VFS for SQLite, installed beside the tests. Where it cannot be had, <see cref="Absence"/> says why.
/// </summary>
public sealed class LitestreamVfs : IAsyncLifetime
{
    private static readonly TimeSpan QueryPatience = TimeSpan.FromMinutes(2);

    private const string Shell = "sqlite3";

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

        _extension = NpmPackages.PathOf(package, file);
        Absence = await NpmPackages.InstallAsync(package, file);
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
