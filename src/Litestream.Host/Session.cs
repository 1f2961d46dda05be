using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;

namespace Litestream.Host;

/// <summary>One runspace from its opening to the exit code.</summary>
internal sealed class Session : IDisposable
{
    private readonly CommandLine _commandLine;
    private readonly HostUserInterface _ui;
    private readonly LitestreamHost _host;
    private readonly Runspace _runspace;
    private readonly Interruption _interruption = new();

    internal Session(CommandLine commandLine)
    {
        _commandLine = commandLine;
        _ui = new HostUserInterface(interactive: !commandLine.NonInteractive, _interruption);
        _host = new LitestreamHost(_ui);
        InitialSessionState state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([WildcardPattern.Escape(Path.Combine(AppContext.BaseDirectory, "module", "Litestream", "Litestream.psd1"))]);
        state.ThrowOnRunspaceOpenError = true;
        if (OperatingSystem.IsWindows())
        {
            // What pwsh's own configuration file sets there; without it the engine runs no script at all, the module's views included.
            state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
        }

        _runspace = RunspaceFactory.CreateRunspace(_host, state);
        _runspace.ThreadOptions = PSThreadOptions.ReuseThread;
    }

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>The process' exit code.</returns>
    internal int Run()
    {
        try
        {
            _runspace.Open();
        }
        catch (RuntimeException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return ExitCode.Failure;
        }

        Runspace.DefaultRunspace = _runspace;
        bool succeeded = _commandLine switch
        {
            { File: { } file } => RunFile(file),
            { Command: { } command } => RunText(command),
            { CommandFromInput: false } when !Console.IsInputRedirected && !_commandLine.NonInteractive => RunPrompt(),
            _ => RunText(Console.In.ReadToEnd()),
        };
        return _host.ExitCode ?? _interruption.ExitCode ?? (succeeded ? ExitCode.Success : ExitCode.Failure);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _interruption.Dispose();
        _runspace.Dispose();
    }

    private bool RunFile(string path)
    {
        // A script without the extension is one with a #! line: the engine would start it as a program.
        bool script = path.EndsWith(".ps1", StringComparison.OrdinalIgnoreCase);
        Command command = script ? new Command(path, isScript: false, useLocalScope: false)
            : new Command(File.ReadAllText(path), isScript: true, useLocalScope: false);
        foreach (CommandParameter argument in _commandLine.Arguments)
        {
            command.Parameters.Add(argument);
        }

        using Pipeline pipeline = _runspace.CreatePipeline();
        pipeline.Commands.Add(command);
        EngineInternals.LetExitEndSession(_runspace);
        return Invoke(pipeline) && LastStatementSucceeded();
    }

    private bool RunText(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return true;
        }

        using Pipeline pipeline = _runspace.CreatePipeline(text, addToHistory: true);
        return Invoke(pipeline) && LastStatementSucceeded();
    }

    /// <summary>Reads a command, runs it, and so on until <c>exit</c> or the end of input.</summary>
    private bool RunPrompt()
    {
        if (!_commandLine.NoLogo)
        {
            _ui.WriteLine($"Litestream.Host {_host.Version.ToString(3)}, PowerShell engine {PSVersionInfo.PSVersion}. exit ends it.");
        }

        LineReader reader = new(_interruption);
        while (_host.ExitCode is null && _interruption.ExitCode is null)
        {
            string? text = ReadCommand(reader);
            if (text is null)
            {
                break;
            }

            _interruption.Reset();
            RunText(text);
        }

        return true;
    }

    private string? ReadCommand(LineReader reader)
    {
        string text = "";
        while (true)
        {
            _ui.Write(text.Length == 0 ? $"PS {_runspace.SessionStateProxy.Path.CurrentLocation.Path}> " : ">> ");
            string? line = reader.ReadLine();
            if (line is null)
            {
                return null;
            }

            text += line;
            Parser.ParseInput(text, out _, out ParseError[] errors);
            if (line.Length == 0 || !errors.Any(error => error.IncompleteInput))
            {
                return text;
            }

            text += Environment.NewLine;
        }
    }

    /// <summary>Runs a pipeline and shows what comes out of it.</summary>
    /// <returns>False if an error ended it.</returns>
    private bool Invoke(Pipeline pipeline)
    {
        foreach (Command command in pipeline.Commands)
        {
            command.MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
        }

        pipeline.Commands.Add(new Command("Out-Default", isScript: false, useLocalScope: true));
        using (_interruption.Watch(pipeline))
        {
            try
            {
                pipeline.Invoke();
                return true;
            }
            catch (PipelineStoppedException) when (_interruption.Requested)
            {
                return true;
            }
            catch (RuntimeException exception)
            {
                Show(exception);
                return false;
            }
            finally
            {
                _ui.ClearProgress();
            }
        }
    }

    private void Show(RuntimeException exception)
    {
        using Pipeline pipeline = _runspace.CreatePipeline();
        pipeline.Commands.Add(new Command("Out-Default", isScript: false, useLocalScope: true));
        pipeline.Input.Write(EngineInternals.AsError(exception.ErrorRecord));
        pipeline.Input.Close();
        try
        {
            pipeline.Invoke();
        }
        catch (RuntimeException)
        {
            // The formatting itself failed, because of a user's type or view: the bare message is still owed.
            Console.Error.WriteLine(exception.Message);
        }
    }

    private bool LastStatementSucceeded()
    {
        if (_host.ExitCode is not null || _interruption.ExitCode is not null)
        {
            return true;
        }

        using Pipeline pipeline = _runspace.CreatePipeline("$global:?");
        return pipeline.Invoke() is [{ BaseObject: true }];
    }
}
