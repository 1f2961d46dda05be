using System.Diagnostics;
using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>The application: writes to one database in a process of its own, and is started anew with another seed after it was ended.</summary>
internal sealed class WriterProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);

    private readonly string _database;
    private readonly SoakOptions _options;
    private readonly int _seed;
    private int _starts;
    private Process? _process;
    private Task<string> _errors = Task.FromResult("");

    /// <summary>Prepares it.</summary>
    /// <param name="database">Full path.</param>
    /// <param name="options">How fast.</param>
    /// <param name="seed">Of what it writes.</param>
    public WriterProcess(string database, SoakOptions options, int seed)
    {
        _database = database;
        _options = options;
        _seed = seed;
    }

    /// <summary>It does not run because it was told so.</summary>
    public bool EndedOnPurpose { get; private set; } = true;

    /// <summary>What it said when it ended by itself, which it never does in good health; null while it runs or before it was started.</summary>
    public async Task<string?> FailureAsync() =>
        _process is { HasExited: true } ? $"exit code {_process.ExitCode}: {(await _errors).Trim()}" : null;

    /// <summary>Starts it.</summary>
    public void Start()
    {
        _process?.Dispose();
        EndedOnPurpose = false;
        string[] how =
        [
            Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", _database, "--mix", "--bursts", "--ledger",
            "--rate", Text(_options.Rate), "--seconds", "1000000", "--seed", Text(_seed + (1000 * _starts++)),
        ];
        _process = Process.Start(new ProcessStartInfo("dotnet", how) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Ends it, in order (<c>SIGTERM</c>) or as <c>kill -9</c> does.</summary>
    public async Task EndAsync(bool inOrder)
    {
        EndedOnPurpose = true;
        if (_process is not { HasExited: false } process)
        {
            return;
        }

        if (inOrder && OperatingSystem.IsWindows() is false)
        {
            Signals.Terminate(process.Id);
        }
        else
        {
            process.Kill();
        }

        using CancellationTokenSource limit = new(EndPatience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(inOrder: true);
        _process?.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
