using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

/// <summary>An application that runs under replication, and replication as a job.</summary>
[Collection("engine")]
public sealed class ApplicationTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_script_block_runs_between_a_restore_and_a_last_sync_and_its_output_passes_on()
    {
        using (EventTable table = new(_folder["a.db"]))
        {
            table.Add(20);
            PowerShellSession.Outcome outcome = session.Run(
                "$add = $args[2]; Start-SqliteReplication $args[0] $args[1] -ScriptBlock { 'begin'; $add.Invoke(); (Get-SqliteReplication).State; 'end' }",
                table.FullPath,
                _folder["r"],
                (Action)(() => table.Add(30))).ThrowIfFailed();

            Assert.Equal(["begin", "end"], outcome.Output.Select(one => one.ToString()).Where(text => text is "begin" or "end"));
            Assert.Empty(session.Run("Get-SqliteReplication").Output);
        }

        string rows = EventTable.ReadAll(_folder["a.db"]);
        File.Delete(_folder["a.db"]);
        Directory.Delete(_folder[".a.db-litestream"], recursive: true);
        Assert.Equal(true, session.Run("Start-SqliteReplication $args[0] $args[1] -ScriptBlock ([scriptblock]::Create(\"[IO.File]::Exists('$($args[0])')\"))", _folder["a.db"], _folder["r"]).Single().BaseObject);
        Assert.Equal(rows, EventTable.ReadAll(_folder["a.db"]));
    }

    [Fact]
    public void An_application_that_fails_still_ends_with_a_last_sync()
    {
        using EventTable table = new(_folder["a.db"]);
        ErrorRecord error = session.Run(
            "$add = $args[2]; Start-SqliteReplication $args[0] $args[1] -ScriptBlock { $add.Invoke(); throw 'application' }",
            table.FullPath,
            _folder["r"],
            (Action)(() => table.Add(30))).SingleError();

        Assert.Equal("application", error.ToString());
        session.Run("Restore-SqliteDatabase $args[0] $args[1]", _folder["r"], _folder["restored.db"]).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(_folder["restored.db"]));
    }

    [Fact]
    public async Task A_program_runs_with_its_arguments_and_its_exit_code_is_ours()
    {
        EventTable.Make(_folder["a.db"]);
        // By its path: through PATH the engine finds no program under Wine, which knows no patterns such as cmd.*
        string command = OperatingSystem.IsWindows() ? $"'{Path.Combine(Environment.SystemDirectory, "cmd.exe")}', '/c', 'echo a b& exit 5'" : "sh, '-c', 'echo \"$1\"; exit 5', sh, 'a b'";
        File.WriteAllText(_folder["run.ps1"], $"Start-SqliteReplication a.db r -Command {command}\nexit $LASTEXITCODE\n");

        HostProcess.Result result = await HostProcess.RunInAsync(_folder.FullPath, "-NonInteractive", "-File", "run.ps1");

        // Where the system has no Unix sockets a warning says first that no other session can see this.
        string output = OperatingSystem.IsWindows() ? result.Output.ReplaceLineEndings("\n").Split('\n')[^2] + "\n" : result.Output;
        Assert.Equal((5, "a b\n", ""), (result.ExitCode, output, result.Errors));
    }

    [Fact]
    public async Task A_job_says_what_changes_and_ends_with_a_last_sync()
    {
        using EventTable table = new(_folder["a.db"]);
        Job job = (Job)session.Run("Start-SqliteReplication $args[0] $args[1] -AsJob", table.FullPath, _folder["r"]).Single().BaseObject;
        Assert.Equal(JobState.Running, job.JobStateInfo.State);
        Assert.Equal(job.Id, session.Run("(Get-Job -State Running).Id").Single().BaseObject);
        for (long begin = Environment.TickCount64; !job.StatusMessage.Contains("Streaming", StringComparison.Ordinal); await Task.Delay(20))
        {
            Assert.True(Environment.TickCount64 - begin < 60_000, job.StatusMessage);
        }

        table.Add(30);
        session.Run("Stop-Job $args[0]", job).ThrowIfFailed();

        Assert.Equal(JobState.Stopped, job.JobStateInfo.State);
        Assert.Equal("Stopped", session.Run("Receive-Job $args[0]", job).ThrowIfFailed().Output[^1].Properties["State"].Value.ToString());
        session.Run("Remove-Job $args[0]; Restore-SqliteDatabase $args[1] $args[2]", job, _folder["r"], _folder["restored.db"]).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(_folder["restored.db"]));
        Assert.Empty(session.Run("Get-SqliteReplication").Output);
    }

    [Fact]
    public void A_job_that_cannot_start_has_failed_and_says_why()
    {
        File.WriteAllText(_folder["a.db"], new string('x', 5000));
        PowerShellSession.Outcome outcome = session.Run(
            "$job = Start-SqliteReplication $args[0] $args[1] -AsJob; $null = $job | Wait-Job; $job.State; Receive-Job $job; Remove-Job $job", _folder["a.db"], _folder["r"]);

        Assert.Equal("Failed", Assert.Single(outcome.Output).ToString());
        Assert.StartsWith("NotADatabase", outcome.SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-Wait -Once")]
    [InlineData("-AsJob -Wait")]
    [InlineData("-Once -ScriptBlock { }")]
    [InlineData("-Command x -ScriptBlock { }")]
    public void What_says_when_to_end_is_given_once(string modes)
    {
        ErrorRecord error = session.Run($"Start-SqliteReplication '{EventTable.Make(_folder["a.db"])}' '{_folder["r"]}' {modes}").SingleError();

        Assert.StartsWith("ParametersContradict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
