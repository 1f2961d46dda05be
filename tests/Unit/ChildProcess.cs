using System.Diagnostics;

namespace Litestream.Tests.Unit;

/// <summary>A method of a test class, <c>static Task Name(string[] args)</c>, running in a process of its own until it is disposed.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _errors;
    private bool _disposed;

    private ChildProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    /// <summary>Starts the method, if need be under another program ("strace", its options).</summary>
    public static ChildProcess Start(Func<string[], Task> method, IEnumerable<string> args, params string[] under)
    {
        return Start([.. under, .. Program(typeof(ChildProgram).Assembly.Location), method.Method.DeclaringType!.FullName!, method.Method.Name, .. args]);
    }

    /// <summary>Starts a program that lies beside the tests.</summary>
    public static ChildProcess StartProgram(string assembly, IEnumerable<string> args) =>
        Start([.. Program(Path.Combine(AppContext.BaseDirectory, assembly)), .. args]);

    // Published for a machine without the SDK, tests and programs are executables.
    private static string[] Program(string assembly)
    {
        string executable = Path.ChangeExtension(assembly, ".exe");
        bool underDotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet";
        return OperatingSystem.IsWindows() && !underDotnet && File.Exists(executable)
            ? [executable]
            : [underDotnet ? Environment.ProcessPath! : "dotnet", assembly];
    }

    private static ChildProcess Start(string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>Says a line to it.</summary>
    public Task WriteLineAsync(string line) => _process.StandardInput.WriteLineAsync(line).WaitAsync(Patience);

    /// <summary>The next line that it prints; fails if it ends or says nothing for a minute.</summary>
    public async Task<string> ReadLineAsync()
    {
        string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        return line ?? throw new InvalidOperationException($"The child process ended without a word. {await _errors}");
    }

    /// <summary>Everything that it prints until it ends by itself.</summary>
    public async Task<string> ReadToEndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"The child process ended with {_process.ExitCode}. {output} {await _errors}");
    }

    /// <summary>Ends it as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
