namespace Litestream.Tests.PowerShell;

/// <summary><c>Start-SqliteReplication -Wait</c> as a service manager runs it.</summary>
[Collection("engine")]
public sealed class ServiceTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(HostProcess.SIGTERM, "after", 7)]
    [InlineData(HostProcess.SIGINT, "", 0)]
    public async Task A_signal_ends_it_with_a_last_sync(int signal, string after, int exitCode)
    {
        using EventTable table = new(_folder["a.db"]);
        using HostProcess host = Start();
        await host.WaitForAsync(": Streaming");
        table.Add(200);
        host.Signal(signal);
        HostProcess.Result result = await host.WaitForExitAsync();

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(after, result.Output.Split('\n')[^2] == "after" ? "after" : "");
        Assert.Empty(result.Errors);
        AssertReplicaHolds(table);
    }

    [Fact]
    public async Task It_waits_for_a_database_that_does_not_exist_yet()
    {
        using HostProcess host = Start();
        await host.WaitForAsync(": Starting");
        using EventTable table = new(_folder["a.db"]);
        table.Add(10);
        await host.WaitForAsync(": Streaming");
        host.Signal(HostProcess.SIGTERM);

        Assert.Equal(7, (await host.WaitForExitAsync()).ExitCode);
        AssertReplicaHolds(table);
    }

    [Fact]
    public async Task What_only_a_person_can_mend_ends_it_with_an_error()
    {
        File.WriteAllText(_folder["a.db"], new string('x', 5000));
        using HostProcess host = Start();

        HostProcess.Result result = await host.WaitForExitAsync();
        Assert.Contains("a.db", result.Errors, StringComparison.Ordinal);
        Assert.Equal(7, result.ExitCode);
    }

    public void Dispose() => _folder.Dispose();

    private HostProcess Start()
    {
        File.WriteAllText(_folder["service.ps1"], "Start-SqliteReplication a.db r -Wait -Verbose\n'after'\nexit 7\n");
        return HostProcess.Start(_folder.FullPath, "-NonInteractive", "-File", "service.ps1");
    }

    private void AssertReplicaHolds(EventTable table)
    {
        session.Run("Restore-SqliteDatabase $args[0] $args[1] -Force", _folder["r"], _folder["restored.db"]).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(_folder["restored.db"]));
    }
}
