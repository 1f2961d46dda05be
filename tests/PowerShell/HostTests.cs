namespace Litestream.Tests.PowerShell;

public sealed class HostTests : IDisposable
{
    private const string Endless = "try { 'running'; while ($true) { [Threading.Thread]::Sleep(20) } } finally { [Console]::WriteLine('cleaned up') }";

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("'fine'", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("throw 'broken'", 1)]
    [InlineData("if (", 1)]
    [InlineData("Get-Command no-such-command", 0)]
    [InlineData("$ErrorActionPreference = 'Stop'; Get-Command no-such-command", 1)]
    [InlineData("& { exit 5 }; 'not reached'", 5)]
    public async Task File_ends_with_pwsh_s_exit_code(string script, int exitCode)
    {
        File.WriteAllText(_folder["run.ps1"], script);

        HostProcess.Result result = await HostProcess.RunAsync("-NoProfile", "-NonInteractive", "-File", _folder["run.ps1"]);

        Assert.Equal(exitCode, result.ExitCode);
        Assert.DoesNotContain("not reached", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'fine'", 0)]
    [InlineData("exit 9", 9)]
    [InlineData("throw 'broken'", 1)]
    [InlineData("Get-Command no-such-command", 1)]
    [InlineData("Get-Command no-such-command; 'fine'", 0)]
    public async Task Command_ends_with_pwsh_s_exit_code(string text, int exitCode) =>
        Assert.Equal(exitCode, (await HostProcess.RunAsync("-Command", text)).ExitCode);

    [Theory]
    [InlineData("-File")]
    [InlineData("-Command")]
    [InlineData("-File", "no-such-file.ps1")]
    [InlineData("-NoSuchSwitch")]
    public async Task A_wrong_command_line_is_64_with_the_usage(params string[] arguments)
    {
        HostProcess.Result result = await HostProcess.RunAsync(arguments);

        Assert.Equal(64, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains("Usage: Litestream.Host", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_says_what_is_missing()
    {
        HostProcess.Result result = await HostProcess.RunAsync("-?");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Write-Output", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name= number=3 switch=False rest=")]
    [InlineData("name=a b number=3 switch=False rest=", "-Name", "a b")]
    [InlineData("name=x number=5 switch=True rest=y", "-Switch", "-Number", "5", "x", "y")]
    [InlineData("name=-5 number=3 switch=False rest=", "-Switch:$false", "-Name:-5")]
    [InlineData("name=c:d number=3 switch=True rest=", "-Name:", "c:d", "-Switch:$true")]
    public async Task Script_arguments_bind_as_in_pwsh(string expected, params string[] arguments)
    {
        File.WriteAllText(
            _folder["run.ps1"],
            "param([string]$Name, [int]$Number = 3, [switch]$Switch) \"name=$Name number=$Number switch=$Switch rest=$args\"");

        HostProcess.Result result = await HostProcess.RunAsync(["-File", _folder["run.ps1"], .. arguments]);

        Assert.Equal(expected + "\n", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task A_script_knows_where_it_stands()
    {
        File.WriteAllText(_folder["run.ps1"], "\"$PSScriptRoot|$PSCommandPath|$($MyInvocation.MyCommand.Path)\"");

        HostProcess.Result result = await HostProcess.RunInAsync(_folder.FullPath, "-File", "run.ps1");

        Assert.Equal($"{_folder.FullPath}|{_folder["run.ps1"]}|{_folder["run.ps1"]}\n", result.Output);
    }

    [Fact]
    public async Task Objects_go_to_output_errors_to_error_output_and_no_colour_to_either()
    {
        HostProcess.Result result = await HostProcess.RunAsync(
            "-Command",
            "[CmdletBinding()] param() [pscustomobject]@{ Name = 'n'; Value = 1 }; $PSCmdlet.WriteWarning('careful');"
            + "$VerbosePreference = 'Continue'; $PSCmdlet.WriteVerbose('detail'); Get-Command no-such-command; 'last'");

        // A table waits a moment for more rows, so what comes after it may be shown before it.
        Assert.Equal(
            ["---- -----", "Name Value", "VERBOSE: detail", "WARNING: careful", "last", "n        1"],
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Order(StringComparer.Ordinal));
        Assert.Contains("Get-Command: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("no-such-command", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output + result.Errors);
    }

    [Fact]
    public async Task An_error_in_a_script_shows_its_line()
    {
        File.WriteAllText(_folder["run.ps1"], "'first'\nthrow 'broken'\n");

        HostProcess.Result result = await HostProcess.RunAsync("-File", _folder["run.ps1"]);

        Assert.Equal(
            ["Exception: " + _folder["run.ps1"] + ":2", "Line |", "2 |  throw 'broken'", "|  ~~~~~~~~~~~~~~", "| broken"],
            result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [Fact]
    public async Task Progress_is_not_written_where_nobody_sees_it()
    {
        HostProcess.Result result = await HostProcess.RunAsync(
            "-Command",
            "[CmdletBinding()] param() $PSCmdlet.WriteProgress([Management.Automation.ProgressRecord]::new(1, 'activity', 'status')); 'done'");

        Assert.Equal("done\n", result.Output);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public async Task A_question_fails_when_nobody_can_be_asked()
    {
        HostProcess.Result result = await HostProcess.RunAsync(
            "-NonInteractive", "-Command", "Restore-SqliteDatabase -Source nowhere");

        Assert.Contains("OutputPath", result.Errors, StringComparison.Ordinal);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task Commands_come_from_standard_input_where_there_is_no_terminal()
    {
        using HostProcess host = HostProcess.Start(null, "-NoLogo");
        await host.SendInputAsync("'one'\n'two'; exit 4\n");

        HostProcess.Result result = await host.WaitForExitAsync();
        Assert.Equal("one\ntwo\n", result.Output);
        Assert.Equal(4, result.ExitCode);
    }

    [Fact]
    public async Task The_module_is_loaded_and_PSHOME_is_the_host_s_folder()
    {
        HostProcess.Result result = await HostProcess.RunAsync("-Command", "(Get-Command Start-SqliteReplication).Source; $PSHOME; $Error.Count");

        Assert.Equal(["Litestream", Path.GetDirectoryName(BuiltModule.HostExecutable)!, "0"], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Ctrl_C_runs_finally_blocks_and_is_no_failure()
    {
        File.WriteAllText(_folder["run.ps1"], Endless);
        using HostProcess host = HostProcess.Start(null, "-File", _folder["run.ps1"]);
        await host.WaitForAsync("running");
        host.Signal(HostProcess.SIGINT);

        HostProcess.Result result = await host.WaitForExitAsync();
        Assert.Contains("cleaned up", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task SIGTERM_runs_finally_blocks_and_is_143()
    {
        File.WriteAllText(_folder["run.ps1"], Endless);
        using HostProcess host = HostProcess.Start(null, "-File", _folder["run.ps1"]);
        await host.WaitForAsync("running");
        host.Signal(HostProcess.SIGTERM);

        HostProcess.Result result = await host.WaitForExitAsync();
        Assert.Contains("cleaned up", result.Output, StringComparison.Ordinal);
        Assert.Equal(143, result.ExitCode);
    }

    public void Dispose() => _folder.Dispose();
}
