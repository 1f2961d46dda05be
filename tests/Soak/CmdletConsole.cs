using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace Litestream.Tests.Soak;

/// <summary>A console with the module loaded, in a process of its own: a line of PowerShell goes in, objects come out.</summary>
internal sealed class CmdletConsole : IAsyncDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(40);

    private readonly Process _process;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Task _errors;
    private volatile string _lastErrorLine = "";
    private int _unread;

    /// <summary>Starts it.</summary>
    /// <param name="environment">Variables it has beside ours.</param>
    public CmdletConsole(IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(HostExecutable, ["-NonInteractive", "-File", Path.Combine(AppContext.BaseDirectory, "cmdlet-console.ps1")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The host finds its worker as it does for a user, unless it is told otherwise.
        start.Environment.Remove("LITESTREAM_WORKER_HOST");
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _errors = ReadErrorsAsync();
    }

    /// <summary>Where the build has put the host, unless it was published to elsewhere.</summary>
    public static string HostExecutable { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("LITESTREAM_TESTS_HOST") ?? typeof(CmdletConsole).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "HostFolder").Value!,
        OperatingSystem.IsWindows() ? "Litestream.Host.exe" : "Litestream.Host");

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>It is there no more.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>A text as PowerShell writes it.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Runs a line and gives what it put out.</summary>
    /// <param name="line">PowerShell, without a line break.</param>
    /// <param name="stop">Ends the waiting; the line is carried out all the same.</param>
    /// <exception cref="ConsoleEndedException">The process ended before it had answered.</exception>
    public async Task<ConsoleAnswer> RunAsync(string line, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            // Answers that nobody waited for come first: else each later one would be taken for the next question's.
            while (_unread > 0)
            {
                await ReadAnswerAsync(stop);
            }

            await _process.StandardInput.WriteLineAsync(line.AsMemory(), CancellationToken.None);
            await _process.StandardInput.FlushAsync(CancellationToken.None);
            _unread++;
            return await ReadAnswerAsync(stop);
        }
        catch (IOException e)
        {
            throw new ConsoleEndedException($"The console has ended. {_lastErrorLine}", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does; what it started is left alone.</summary>
    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        // The end of input ends the script, and with it the session: a last sync of its replications.
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }

        using CancellationTokenSource limit = new(EndPatience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        await _errors;
        _process.Dispose();
        _turn.Dispose();
    }

    private async Task<ConsoleAnswer> ReadAnswerAsync(CancellationToken stop)
    {
        List<JsonElement> objects = [];
        List<string> errors = [];
        List<string> warnings = [];
        while (await _process.StandardOutput.ReadLineAsync(stop) is { } line)
        {
            if (line == ".")
            {
                _unread--;
                return new ConsoleAnswer(objects, errors, warnings);
            }

            if (line.Length < 3 || line[1] != ' ')
            {
                continue; // a verbose line of the host itself
            }

            JsonElement value = JsonSerializer.Deserialize<JsonElement>(line.AsSpan(2));
            switch (line[0])
            {
                case 'o':
                    objects.Add(value);
                    break;
                case 'e':
                    errors.Add(value.GetString()!);
                    break;
                default:
                    warnings.Add(value.GetString()!);
                    break;
            }
        }

        throw new ConsoleEndedException($"The console has ended. {_lastErrorLine}", null);
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Length > 0)
            {
                _lastErrorLine = line;
            }
        }
    }
}
