using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace Litestream.Tests.PowerShell;

/// <summary>A runspace of the real engine with the module imported from its folder by its manifest.</summary>
public sealed class PowerShellSession : IDisposable
{
    private readonly RecordingHost _host = new();
    private readonly TemporaryFolder _control = new();
    private readonly Runspace _runspace;

    public PowerShellSession()
    {
        // The tests' own process is neither pwsh nor the module's host: it says what to run the worker in, as any such program can.
        Environment.SetEnvironmentVariable("LITESTREAM_WORKER_HOST", BuiltModule.HostExecutable);
        // What else this user replicates on this machine is none of the tests' business.
        Environment.SetEnvironmentVariable("LITESTREAM_CONTROL_FOLDER", _control["run"]);
        InitialSessionState state = InitialSessionState.CreateDefault2();
        if (OperatingSystem.IsWindows())
        {
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned; // as pwsh's own configuration has it
        }

        _runspace = RunspaceFactory.CreateRunspace(_host, state);
        _runspace.Open();
        Run($"Import-Module '{BuiltModule.Manifest}'").ThrowIfFailed();
    }

    /// <summary>Runs a script in the runspace.</summary>
    /// <param name="script">PowerShell; <c>$args</c> are the arguments.</param>
    /// <param name="arguments">For <c>$args</c>.</param>
    internal Outcome Run(string script, params object[] arguments)
    {
        _host.TakeOutput();
        using System.Management.Automation.PowerShell shell = NewShell();
        shell.AddScript(script, useLocalScope: true);
        foreach (object argument in arguments)
        {
            shell.AddArgument(argument);
        }

        List<PSObject> output = [];
        ErrorRecord? terminating = null;
        try
        {
            shell.Invoke(null, output);
        }
        catch (RuntimeException exception)
        {
            terminating = exception.ErrorRecord;
        }

        return new Outcome(output, [.. shell.Streams.Error], terminating, [.. shell.Streams.Verbose], _host.TakeOutput());
    }

    /// <summary>Runs a script with a folder as the session's location, which is not the process' current folder.</summary>
    /// <param name="folder">Full path.</param>
    /// <param name="script">PowerShell.</param>
    internal Outcome RunIn(string folder, string script)
    {
        PathIntrinsics paths = _runspace.SessionStateProxy.Path;
        string before = paths.CurrentLocation.Path;
        paths.SetLocation(WildcardPattern.Escape(folder));
        try
        {
            return Run(script);
        }
        finally
        {
            paths.SetLocation(WildcardPattern.Escape(before));
        }
    }

    /// <summary>What is offered at a press of Tab.</summary>
    /// <param name="folder">Full path of the session's location.</param>
    /// <param name="input">What is typed so far.</param>
    internal IReadOnlyList<CompletionResult> Complete(string folder, string input)
    {
        PathIntrinsics paths = _runspace.SessionStateProxy.Path;
        string before = paths.CurrentLocation.Path;
        paths.SetLocation(WildcardPattern.Escape(folder));
        try
        {
            using System.Management.Automation.PowerShell shell = NewShell();
            return CommandCompletion.CompleteInput(input, input.Length, null, shell).CompletionMatches;
        }
        finally
        {
            paths.SetLocation(WildcardPattern.Escape(before));
        }
    }

    /// <summary>Runs a script that does not end by itself, and stops it as Ctrl-C does.</summary>
    /// <param name="folder">Full path of the session's location.</param>
    /// <param name="script">PowerShell.</param>
    /// <param name="enough">Whether it has come far enough, by the number of objects that it has put out.</param>
    /// <returns>The errors that it wrote.</returns>
    internal async Task<IReadOnlyList<ErrorRecord>> RunUntilAsync(string folder, string script, Func<int, bool> enough)
    {
        PathIntrinsics paths = _runspace.SessionStateProxy.Path;
        string before = paths.CurrentLocation.Path;
        paths.SetLocation(WildcardPattern.Escape(folder));
        using PSDataCollection<PSObject> output = [];
        using System.Management.Automation.PowerShell shell = NewShell();
        IAsyncResult running = shell.AddScript(script, useLocalScope: true).BeginInvoke<PSObject, PSObject>(null, output);
        for (long begin = Environment.TickCount64; !enough(output.Count); await Task.Delay(20))
        {
            Assert.False(running.IsCompleted, $"It has ended by itself: {script}");
            Assert.True(Environment.TickCount64 - begin < 30_000, $"It has not come far enough: {script}");
        }

        shell.Stop();
        paths.SetLocation(WildcardPattern.Escape(before));
        return [.. shell.Streams.Error];
    }

    /// <summary>A pipeline in the runspace; one at a time.</summary>
    internal System.Management.Automation.PowerShell NewShell() => System.Management.Automation.PowerShell.Create(_runspace);

    public void Dispose()
    {
        _runspace.Dispose();
        _control.Dispose();
    }

    /// <summary>What came of a script.</summary>
    /// <param name="Output">Objects, as they came.</param>
    /// <param name="Errors">Non-terminating errors.</param>
    /// <param name="Terminating">The error that ended it, or null.</param>
    /// <param name="Verbose">Verbose messages.</param>
    /// <param name="Shown">What the host was asked to show.</param>
    internal sealed record Outcome(
        IReadOnlyList<PSObject> Output,
        IReadOnlyList<ErrorRecord> Errors,
        ErrorRecord? Terminating,
        IReadOnlyList<VerboseRecord> Verbose,
        string Shown)
    {
        public Outcome ThrowIfFailed() =>
            (Terminating ?? (Errors.Count > 0 ? Errors[0] : null)) is { } error ? throw new InvalidOperationException(error.ToString(), error.Exception) : this;

        public PSObject Single()
        {
            ThrowIfFailed();
            return Assert.Single(Output);
        }

        public ErrorRecord SingleError() => Assert.Single(Terminating is null ? Errors : [Terminating, .. Errors]);
    }
}
