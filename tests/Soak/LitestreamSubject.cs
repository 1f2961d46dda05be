using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Litestream.Tests.Interop;

namespace Litestream.Tests.Soak;

/// <summary>
/// The real Litestream 0.3.13, one process for all databases. It counts no transactions and is asked nothing: what it has sent shows in
/// a restore alone. Soaked to show that the harness catches a replicator that loses data or falls behind.
/// </summary>
internal sealed class LitestreamSubject : ISubject
{
    private static readonly TimeSpan RestorePatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);

    private readonly IReadOnlyList<SoakedDatabase> _databases;
    private readonly SoakLog _log;
    private readonly string _program;
    private readonly string _configuration;
    private readonly Lock _gate = new();
    private Process? _process;

    /// <summary>Prepares it.</summary>
    /// <param name="databases">What it replicates.</param>
    /// <param name="program">Litestream's executable.</param>
    /// <param name="configuration">Path of the configuration file to write.</param>
    /// <param name="syncInterval">How often it sends.</param>
    /// <param name="log">For what it says.</param>
    public LitestreamSubject(IReadOnlyList<SoakedDatabase> databases, string program, string configuration, TimeSpan syncInterval, SoakLog log)
    {
        (_databases, _program, _configuration, _log) = (databases, program, configuration, log);
        StringBuilder yaml = new("dbs:\n");
        foreach (SoakedDatabase database in databases)
        {
            yaml.Append(CultureInfo.InvariantCulture, $"""
                  - path: {database.Path}
                    replicas:
                      - type: file
                        path: {database.Destination}
                        sync-interval: {(int)syncInterval.TotalMilliseconds}ms

                """);
        }

        File.WriteAllText(configuration, yaml.ToString());
    }

    public bool CountsTransactions => false;

    public bool IsHeld { get; set; }

    public IReadOnlyList<int> ProcessIds
    {
        get
        {
            lock (_gate)
            {
                return _process is { HasExited: false } process ? [process.Id] : [];
            }
        }
    }

    /// <summary>Where Litestream's executable is, installed by npm if it was not.</summary>
    /// <exception cref="InvalidOperationException">It cannot be had; the message says why.</exception>
    public static async Task<string> InstallAsync()
    {
        string platform = $"{(OperatingSystem.IsMacOS() ? "darwin" : "linux")}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        string package = $"@flydotio/litestream-{platform}";
        return await NpmPackages.InstallAsync(package, "litestream") is { } absence
            ? throw new InvalidOperationException($"There is no Litestream 0.3.13 to soak: {absence}.")
            : NpmPackages.PathOf(package, "litestream");
    }

    public Task<IReadOnlyList<SubjectStatus>> LookAsync(CancellationToken stop)
    {
        lock (_gate)
        {
            if (_process is not { HasExited: false } && !IsHeld)
            {
                _process?.Dispose();
                _process = Start("replicate", "-config", _configuration);
                _log.Write("start", new { process = _process.Id });
                _ = TellAsync(_process);
            }

            bool runs = _process is { HasExited: false };
            return Task.FromResult<IReadOnlyList<SubjectStatus>>(
                [.. _databases.Where(_ => runs).Select(database => new SubjectStatus { Path = database.Path, State = "Streaming", ProcessId = _process!.Id })]);
        }
    }

    public Task<ulong?> SyncAsync(SoakedDatabase database, TimeSpan patience, CancellationToken stop) =>
        Task.FromResult<ulong?>(ProcessIds.Count > 0 ? 0 : null);

    public async Task<RestoredImage> RestoreAsync(SoakedDatabase database, RestoreInstant instant, string output, CancellationToken stop)
    {
        File.Delete(output);
        string[] at = instant.Time is { } time ? ["-timestamp", time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)] : [];
        Command.Result? result = await Command.RunAsync(RestorePatience, _program, ["restore", "-o", output, .. at, $"file://{database.Replica}"]);
        return result is { ExitCode: 0 } && File.Exists(output)
            ? new RestoredImage(output, 0)
            : throw new CommandFailedException($"litestream restore ended with {result?.ExitCode}: {result?.Output} {result?.Errors}");
    }

    public Task<IReadOnlyList<ReplicaEntry>> ListAsync(SoakedDatabase database, CancellationToken stop) => Task.FromResult<IReadOnlyList<ReplicaEntry>>([]);

    public Task<string?> TestAsync(SoakedDatabase database, CancellationToken stop) => Task.FromResult<string?>(null);

    public string Kill(Random draw)
    {
        foreach (int id in ProcessIds)
        {
            Signals.Kill(id);
        }

        return "litestream";
    }

    public async Task<string?> StopAsync()
    {
        Process? process;
        lock (_gate)
        {
            (process, _process) = (_process, null);
        }

        if (process is null)
        {
            return "nothing ran";
        }

        Signals.Terminate(process.Id);
        using CancellationTokenSource limit = new(EndPatience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
        return "in order";
    }

    public Task ForgetAsync(SoakedDatabase database, CancellationToken stop)
    {
        string folder = Path.Combine(Path.GetDirectoryName(database.Path)!, $".{Path.GetFileName(database.Path)}-litestream");
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(_program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private async Task TellAsync(Process process)
    {
        Task Pass(StreamReader reader) => Task.Run(async () =>
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line.Contains("error", StringComparison.OrdinalIgnoreCase))
                {
                    _log.Write("error", new { process = "litestream", lastError = line });
                }
            }
        });

        try
        {
            await Task.WhenAll(Pass(process.StandardOutput), Pass(process.StandardError));
        }
        catch (InvalidOperationException)
        {
            // Ended and let go meanwhile.
        }
    }
}
