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
    public static async Task<Strace> AttachAsync(int processId, string trace, string calls, string? fault)
    {
        Process process = Start(
            ["-f", "-y", "-p", $"{processId}", "-o", trace, "-e", $"trace={calls}", .. fault is null ? (string[])[] : ["-e", $"inject={calls}:{fault}"]]);
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

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static Process Start(params string[] args) =>
        Process.Start(new ProcessStartInfo("strace", args) { RedirectStandardError = true, RedirectStandardOutput = true })!;
}
