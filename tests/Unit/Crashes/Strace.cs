using System.Diagnostics;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>strace attached to a process that waits to begin, so that only what it does from then on is counted and made to fail.</summary>
internal sealed class Strace : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private Strace(Process process) => _process = process;

    /// <summary>Whether it is here and may trace; if not, that is said by name.</summary>
    public static bool IsAvailable(ITestOutputHelper output)
    {
        try
        {
            using Process process = Start("-e", "trace=none", "true");
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                return true;
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // said below
        }

        output.WriteLine("Not tried: strace, which ends a process at a system call, is absent or may not trace here.");
        return false;
    }

    /// <summary>Attaches to a process.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="trace">Where the calls are written, one a line.</param>
    /// <param name="calls">Which calls, as strace names them.</param>
    /// <param name="fault">What happens to one of them, as in "signal=SIGKILL:when=3"; null for nothing.</param>
    /// <param name="path">Only calls on this file; null for all.</param>
    public static async Task<Strace> AttachAsync(int processId, string trace, string calls, string? fault, string? path = null)
    {
        string[] only = path is null ? [] : ["-P", path];
        string[] inject = fault is null ? [] : ["-e", $"inject={calls}:{fault}"];
        Process process = Start(["-f", "-y", "-p", $"{processId}", "-o", trace, "-e", $"trace={calls}", .. only, .. inject]);
        string? said = await process.StandardError.ReadLineAsync().WaitAsync(Patience);
        Assert.Contains("attached", said ?? "", StringComparison.Ordinal);
        return new Strace(process);
    }

    /// <summary>Waits until the process has ended and the trace is written.</summary>
    public async Task EndAsync()
    {
        await _process.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }

    /// <summary>Waits until an injected SIGSTOP has stopped the process, or it has ended without one.</summary>
    /// <param name="trace">Where the calls are written.</param>
    /// <returns>Whether it is stopped.</returns>
    public async Task<bool> AwaitStopAsync(string trace)
    {
        Task ended = EndAsync();
        while (true)
        {
            bool last = ended.IsCompleted;
            if ((await ReadSharedAsync(trace)).Contains("--- stopped by SIGSTOP ---", StringComparison.Ordinal))
            {
                return true;
            }

            if (last)
            {
                await ended;
                return false;
            }

            await Task.WhenAny(ended, Task.Delay(5));
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static async Task<string> ReadSharedAsync(string path)
    {
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync();
    }

    private static Process Start(params string[] args) =>
        Process.Start(new ProcessStartInfo("strace", args) { RedirectStandardError = true, RedirectStandardOutput = true })!;
}
