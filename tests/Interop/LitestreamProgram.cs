using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Litestream.Tests.Interop;

/// <summary>The real Litestream 0.3.13, as npm has it. Where it cannot be had, <see cref="Absence"/> says why.</summary>
public sealed class LitestreamProgram : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private string _program = "";

    /// <summary>Why Litestream is not there, by the name of what is missing; null if it is.</summary>
    public string? Absence { get; private set; }

    public async Task InitializeAsync()
    {
        string? platform = OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsMacOS() ? "darwin" : null;
        string? architecture = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "x64",
            Architecture.Arm64 => "arm64",
            _ => null,
        };
        if (platform is null || architecture is null)
        {
            Absence = $"the npm package @flydotio/litestream has nothing for {RuntimeInformation.RuntimeIdentifier}";
            return;
        }

        string package = $"@flydotio/litestream-{platform}-{architecture}";
        _program = NpmPackages.PathOf(package, "litestream");
        Absence = await NpmPackages.InstallAsync(package, "litestream");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Replicates until it is stopped by a signal, which it answers with a last sync.</summary>
    /// <param name="database">Path of the database.</param>
    /// <param name="replica">Folder of the replica.</param>
    /// <param name="settings">Lines of the replica's configuration, as <c>retention: 1h</c>.</param>
    public async Task<Replication> ReplicateAsync(string database, string replica, params string[] settings)
    {
        string configuration = database + ".yml";
        await File.WriteAllTextAsync(configuration, $"""
            dbs:
              - path: {database}
                monitor-interval: 50ms
                checkpoint-interval: 500ms
                min-checkpoint-page-count: 10
                replicas:
                  - type: file
                    path: {replica}
                    sync-interval: 50ms
            {string.Concat(settings.Select(setting => $"        {setting}\n"))}
            """);

        // Litestream ends with the program that it runs, so that none is left behind when the tests are killed.
        ProcessStartInfo start = new(_program, ["replicate", "-config", configuration, "-exec", "sleep 300"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new Replication(Process.Start(start)!, replica);
    }

    /// <summary>Lets Litestream restore.</summary>
    /// <param name="replica">Folder of the replica.</param>
    /// <param name="output">The database to make.</param>
    /// <param name="time">The time to restore; null for the newest.</param>
    public async Task RestoreAsync(string replica, string output, DateTimeOffset? time)
    {
        File.Delete(output);
        string[] at = time is { } given ? ["-timestamp", given.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)] : [];
        Command.Result? result = await Command.RunAsync(Patience, _program, ["restore", "-o", output, .. at, $"file://{replica}"]);
        if (result is not { ExitCode: 0 } || !File.Exists(output))
        {
            throw new InvalidOperationException($"Litestream could not restore {time:o}: {result?.Output} {result?.Errors}");
        }
    }

    /// <summary>Litestream at work.</summary>
    public sealed class Replication : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly Task<string> _output;
        private readonly Task<string> _errors;

        private readonly string _replica;

        internal Replication(Process process, string replica)
        {
            (_process, _replica) = (process, replica);
            _output = process.StandardOutput.ReadToEndAsync();
            _errors = process.StandardError.ReadToEndAsync();
        }

        /// <summary>Ends it in order, once it has nothing to send: in the middle of a sync a signal can make it panic ("generation name required").</summary>
        public async Task StopAsync()
        {
            await QuietAsync();
            await Command.RunAsync(Patience, "kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            using CancellationTokenSource timeout = new(Patience);
            await _process.WaitForExitAsync(timeout.Token);
            string log = await _output + await _errors;
            Assert.True(log.Contains("litestream shut down", StringComparison.Ordinal), log);
        }

        private async Task QuietAsync()
        {
            const int looks = 10;
            long began = Stopwatch.GetTimestamp();
            string last = "";
            for (int same = 0; same < looks && Stopwatch.GetElapsedTime(began) < Patience; await Task.Delay(50))
            {
                string now = string.Join('\n', Directory.GetFiles(_replica, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
                same = now == last ? same + 1 : 0;
                last = now;
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync();
            }

            _process.Dispose();
        }
    }
}
