using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Litestream.Tests.PowerShell;

/// <summary>The console host as a process of its own.</summary>
internal sealed partial class HostProcess : IDisposable
{
    public const int SIGINT = 2;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    private const uint CtrlBreak = 1; // wincon.h

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];

    private HostProcess(string? workingFolder, IEnumerable<string> arguments)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(BuiltModule.HostExecutable, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = workingFolder ?? "",
            },
        };
        if (OperatingSystem.IsWindows())
        {
            _process.StartInfo.CreateNewProcessGroup = true; // so that Ctrl-Break can be meant for it alone
        }

        // The host finds its worker as it does for a user.
        _process.StartInfo.Environment.Remove("LITESTREAM_WORKER_HOST");
        _process.OutputDataReceived += (_, line) => Take(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Take(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Runs the host to its end.</summary>
    /// <param name="arguments">Its command line.</param>
    public static Task<Result> RunAsync(params string[] arguments) => RunInAsync(null, arguments);

    /// <summary>Runs the host to its end, with a current folder.</summary>
    /// <param name="workingFolder">The folder.</param>
    /// <param name="arguments">Its command line.</param>
    public static async Task<Result> RunInAsync(string? workingFolder, params string[] arguments)
    {
        using HostProcess host = Start(workingFolder, arguments);
        host._process.StandardInput.Close();
        return await host.WaitForExitAsync();
    }

    /// <summary>Starts the host; standard input stays open.</summary>
    /// <param name="workingFolder">Its current folder; null for ours.</param>
    /// <param name="arguments">Its command line.</param>
    public static HostProcess Start(string? workingFolder, params string[] arguments) => new(workingFolder, arguments);

    /// <summary>Writes to the host's standard input and closes it.</summary>
    /// <param name="text">The whole of it.</param>
    public async Task SendInputAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        _process.StandardInput.Close();
    }

    /// <summary>Waits until a text has come out, on either stream.</summary>
    /// <param name="text">A part of a line.</param>
    public async Task WaitForAsync(string text)
    {
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_awaited)
        {
            if (_output.ToString().Contains(text, StringComparison.Ordinal) || _errors.ToString().Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            _awaited.Add((text, seen));
        }

        try
        {
            await seen.Task.WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"'{text}' did not come out of the host. It wrote: {_output}{_errors}");
        }
    }

    /// <summary>Sends a signal to the process alone.</summary>
    /// <param name="signal">Its number.</param>
    public void Signal(int signal) => Signal(Id, signal);

    /// <summary>Sends a signal to a process.</summary>
    /// <param name="processId">Which.</param>
    /// <param name="signal">Its number.</param>
    public static void Signal(int processId, int signal)
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(0, Kill(processId, signal));
        }
        else if (signal == SIGKILL)
        {
            using Process process = Process.GetProcessById(processId);
            process.Kill();
        }
        else
        {
            Assert.True(GenerateConsoleCtrlEvent(CtrlBreak, processId));
        }
    }

    /// <summary>Waits for the end.</summary>
    public async Task<Result> WaitForExitAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The host has not ended. It wrote: {_output}{_errors}");
        }

        return new Result(_process.ExitCode, _output.ToString(), _errors.ToString());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private void Take(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_awaited)
        {
            text.Append(line).Append('\n');
            _awaited.RemoveAll(awaited => line.Contains(awaited.Text, StringComparison.Ordinal) && awaited.Seen.TrySetResult());
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GenerateConsoleCtrlEvent(uint kind, int processGroup);

    /// <summary>What an ended host leaves.</summary>
    internal sealed record Result(int ExitCode, string Output, string Errors);
}
