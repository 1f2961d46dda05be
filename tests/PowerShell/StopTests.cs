using System.Diagnostics;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class StopTests(PowerShellSession session) : IDisposable
{
    /// <summary>What a person takes for at once. The best of some tries must meet it: a busy machine alone may spoil one.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(200);

    private const int Tries = 5;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Ctrl_C_ends_a_waiting_replication_at_once()
    {
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < Tries && best > AtOnce; i++)
        {
            using System.Management.Automation.PowerShell shell = session.NewShell();
            shell.AddCommand("Start-SqliteReplication").AddParameter("Path", _folder["not-yet.db"]).AddParameter("Destination", _folder["r"])
                .AddParameter("Wait").AddParameter("Verbose");
            best = TimeSpan.FromTicks(Math.Min(best.Ticks, (await StopWhenRunningAsync(shell, shell.Streams.Verbose)).Ticks));
        }

        Assert.InRange(best, TimeSpan.Zero, AtOnce);
    }

    [Fact]
    public async Task Ctrl_C_ends_a_sync_at_once_and_the_replication_goes_on()
    {
        string path = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]", path, _folder["r"]).ThrowIfFailed();

        // With the folder a file, nothing reaches the replica: the sync waits.
        Directory.Move(_folder["r"], _folder["away"]);
        File.WriteAllText(_folder["r"], "");
        EventTable.Make(path, events: 1);
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < Tries && best > AtOnce; i++)
        {
            using System.Management.Automation.PowerShell shell = session.NewShell();
            PSDataCollection<PSObject> started = [];
            shell.AddScript("'started'; Sync-SqliteReplication $args[0]").AddArgument(path);
            best = TimeSpan.FromTicks(Math.Min(best.Ticks, (await StopWhenRunningAsync(shell, started)).Ticks));
        }

        File.Delete(_folder["r"]);
        Directory.Move(_folder["away"], _folder["r"]);
        session.Run("Sync-SqliteReplication $args[0] -Timeout 60; Stop-SqliteReplication $args[0]", path).ThrowIfFailed();
        Assert.InRange(best, TimeSpan.Zero, AtOnce);
    }

    [Fact]
    public void A_reader_that_has_enough_ends_the_cmdlet_in_order()
    {
        string path = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", path, _folder["r"]).ThrowIfFailed();

        PowerShellSession.Outcome outcome = session.Run(
            "try { Get-SqliteReplica $args[0] | ForEach-Object { throw 'enough' } } catch { $_.Exception.Message }; Test-SqliteReplica $args[0]",
            _folder["r"]).ThrowIfFailed();

        Assert.Equal(["enough", "True"], outcome.Output.Select(value => value.ToString()));
    }

    [Theory]
    [InlineData("Get-SqliteRestorePoint")]
    [InlineData("Test-SqliteReplica")]
    [InlineData("Measure-SqliteReplica")]
    public async Task What_takes_longer_than_a_second_is_seen_to_go_on_also_where_nobody_answers(string cmdlet)
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        using System.Management.Automation.PowerShell shell = session.NewShell();
        shell.AddScript(
            $"$key = [securestring]::new(); $key.AppendChar('k'); "
            + $"{cmdlet} (New-SqliteReplicaLocation s3://bucket/app -Endpoint http://{silent.LocalEndpoint} -Region r -Credential ([pscredential]::new('id', $key)))");

        await StopWhenRunningAsync(shell, shell.Streams.Progress);

        Assert.Contains("s3://bucket/app", shell.Streams.Progress[0].Activity, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<TimeSpan> StopWhenRunningAsync<T>(System.Management.Automation.PowerShell shell, PSDataCollection<T> firstSign)
    {
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        firstSign.DataAdded += (_, _) => running.TrySetResult();
        Task invocation = shell.InvokeAsync<PSObject, PSObject>(null, firstSign as PSDataCollection<PSObject> ?? []);
        await running.Task.WaitAsync(TimeSpan.FromSeconds(30));
        long before = Stopwatch.GetTimestamp();
        await Task.Run(shell.Stop);
        TimeSpan taken = Stopwatch.GetElapsedTime(before);
        await Assert.ThrowsAsync<PipelineStoppedException>(() => invocation);
        Assert.Equal(PSInvocationState.Stopped, shell.InvocationStateInfo.State);
        return taken;
    }
}
