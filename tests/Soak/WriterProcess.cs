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
    private readonly Lock _gate = new();
    private int _starts;
    private int _pauses = 1;
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

    /// <summary>What it said when it ended by itself, which it never does in good health; null while it runs or is paused.</summary>
    public async Task<(string Text, DateTimeOffset At)?> FailureAsync()
    {
        Process? process;
        Task<string> errors;
        lock (_gate)
        {
            (process, errors) = (_process, _errors);
            if (_pauses > 0 || process is not { HasExited: true })
            {
                return null;
            }
        }

        return ($"exit code {process.ExitCode}: {(await errors).Trim()}", process.ExitTime);
    }

    /// <summary>Takes one pause back; it begins as paused once. With the last one it starts.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (--_pauses == 0)
            {
                Start();
            }
        }
    }

    /// <summary>Starts it if it has ended by itself.</summary>
    public void Revive()
    {
        lock (_gate)
        {
            if (_pauses == 0 && _process is { HasExited: true })
            {
                Start();
            }
        }
    }

    /// <summary>Ends it, in order (<c>SIGTERM</c>) or as <c>kill -9</c> does, until as many have resumed it.</summary>
    public async Task PauseAsync(bool inOrder)
    {
        Process? process;
        lock (_gate)
        {
            _pauses++;
            process = _process;
        }

        if (process is not { HasExited: false })
        {
            return;
        }

        if (inOrder && !OperatingSystem.IsWindows())
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
        await PauseAsync(inOrder: true);
        _process?.Dispose();
    }

    private void Start()
    {
        string[] how =
        [
            Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", _database, "--mix", "--bursts", "--ledger",
            "--rate", Text(_options.Rate), "--seconds", "1000000", "--seed", Text(_seed + (1000 * _starts++)),
            .. _options.Events is { } events ? ["--events", events] : Array.Empty<string>(),
        ];
        _process = Process.Start(new ProcessStartInfo("dotnet", how) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
