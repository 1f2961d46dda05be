using System.Diagnostics;
using System.Management.Automation;

namespace Litestream.Tests.PowerShell;

[Collection("engine")]
public sealed class WorkerTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Starts_shows_syncs_and_stops()
    {
        using EventTable table = new(_folder["a.db"]);
        PSObject started = session.Run("Start-SqliteReplication $args[0] $args[1]", table.FullPath, _folder["r"]).Single();
        Assert.NotEqual(Environment.ProcessId, started.Properties["ProcessId"].Value);

        table.Add(50);
        PSObject synced = session.Run("Sync-SqliteReplication $args[0] -PassThru", table.FullPath).Single();
        Assert.Equal("Streaming", synced.Properties["State"].Value.ToString());
        Assert.Equal(table.FullPath, session.Run("Get-SqliteReplication").Single().Properties["Path"].Value);
        AssertReplicaHolds(table);

        table.Add(50);
        PSObject stopped = session.Run("Get-SqliteReplication | Stop-SqliteReplication -PassThru").Single();
        Assert.Equal("Stopped", stopped.Properties["State"].Value.ToString());
        Assert.Equal(stopped.Properties["CapturedTxid"].Value, stopped.Properties["ReplicaTxid"].Value);
        AssertReplicaHolds(table);
        Assert.Empty(session.Run("Get-SqliteReplication").Output);
        AssertEnded((int)started.Properties["ProcessId"].Value);
    }

    [Fact]
    public void Many_databases_share_one_worker()
    {
        string[] paths = ["a.db", "b.db", "c.db"];
        foreach (string path in paths)
        {
            EventTable.Make(_folder[path]);
        }

        IReadOnlyList<PSObject> started = session.RunIn(
            _folder.FullPath,
            "'a', 'b', 'c' | ForEach-Object { [pscustomobject]@{ Path = \"$_.db\"; Destination = \"r/$_\" } } | Start-SqliteReplication")
            .ThrowIfFailed().Output;

        Assert.Equal(paths.Select(path => _folder[path]), started.Select(replication => replication.Properties["Path"].Value));
        Assert.Single(started.Select(replication => replication.Properties["ProcessId"].Value).Distinct());
        Assert.Equal(2, session.RunIn(_folder.FullPath, "Stop-SqliteReplication [ab].db -PassThru").ThrowIfFailed().Output.Count);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
        Assert.Empty(session.Run("Get-SqliteReplication").Output);
    }

    [Fact]
    public void Several_destinations_each_hold_the_database_and_show_by_themselves()
    {
        using EventTable table = new(_folder["a.db"]);
        string[] places = [_folder["r"], _folder["second"]];
        session.Run("Start-SqliteReplication $args[0] $args[1], $args[2]", table.FullPath, places[0], places[1]).ThrowIfFailed();
        table.Add(50);
        PSObject synced = session.Run("Sync-SqliteReplication -PassThru", table.FullPath).Single();

        Assert.Equal(string.Join(", ", places), synced.Properties["Destination"].Value);
        Assert.Equal(places, session.Run("(Get-SqliteReplication).Destinations.Destination").ThrowIfFailed().Output.Select(place => place.BaseObject));
        Assert.Equal(
            [true, true],
            session.Run("(Get-SqliteReplication).Destinations | Test-SqliteReplica -Depth Restore").ThrowIfFailed().Output.Select(ok => ok.BaseObject));
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();

        ErrorRecord twice = session.Run("Start-SqliteReplication $args[0] $args[1], $args[1]", table.FullPath, _folder["r"]).SingleError();
        Assert.StartsWith("DestinationShared,", twice.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_replication_of_a_database_is_refused_and_the_first_goes_on()
    {
        string path = EventTable.Make(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1]", path, _folder["r"]).ThrowIfFailed();

        ErrorRecord error = session.Run("Start-SqliteReplication $args[0] $args[1]", path, _folder["other"]).SingleError();

        Assert.StartsWith("DatabaseInUse,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("Streaming", session.Run("Get-SqliteReplication").Single().Properties["State"].Value.ToString());
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    [Fact]
    public void Another_database_s_replica_is_refused_unless_adopted()
    {
        session.Run("Start-SqliteReplication $args[0] $args[1] -Once", EventTable.Make(_folder["a.db"]), _folder["r"]).ThrowIfFailed();
        using EventTable other = new(_folder["b.db"]);
        other.Add(10);

        ErrorRecord error = session.Run("Start-SqliteReplication $args[0] $args[1]", other.FullPath, _folder["r"]).SingleError();
        Assert.StartsWith("ReplicaConflict,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(session.Run("Get-SqliteReplication").Output);

        session.Run("Start-SqliteReplication $args[0] $args[1] -AdoptReplica", other.FullPath, _folder["r"]).ThrowIfFailed();
        session.Run("Sync-SqliteReplication; Stop-SqliteReplication *").ThrowIfFailed();
        AssertReplicaHolds(other);
    }

    [Fact]
    public async Task A_killed_worker_shows_as_faulted_and_a_new_start_continues()
    {
        using EventTable table = new(_folder["a.db"]);
        PSObject started = session.Run("Start-SqliteReplication $args[0] $args[1]", table.FullPath, _folder["r"]).Single();
        using Process worker = Process.GetProcessById((int)started.Properties["ProcessId"].Value);
        worker.Kill();
        await worker.WaitForExitAsync();
        table.Add(10);

        PSObject faulted = session.Run("Get-SqliteReplication").Single();
        Assert.Equal("Faulted", faulted.Properties["State"].Value.ToString());
        Assert.Equal("WorkerEnded", faulted.Properties["LastErrorId"].Value);
        Assert.Contains($"worker process {worker.Id} ended unexpectedly", (string)faulted.Properties["LastError"].Value, StringComparison.Ordinal);
        Assert.StartsWith(
            "WorkerEnded,", session.Run("Sync-SqliteReplication").SingleError().FullyQualifiedErrorId, StringComparison.Ordinal);

        session.Run("Start-SqliteReplication $args[0] $args[1]", table.FullPath, _folder["r"]).ThrowIfFailed();
        session.Run("Sync-SqliteReplication").ThrowIfFailed();
        AssertReplicaHolds(table);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    [Fact]
    public async Task SIGTERM_to_the_worker_is_a_stop_with_a_last_sync()
    {
        using EventTable table = new(_folder["a.db"]);
        PSObject started = session.Run("Start-SqliteReplication $args[0] $args[1]", table.FullPath, _folder["r"]).Single();
        using Process worker = Process.GetProcessById((int)started.Properties["ProcessId"].Value);
        table.Add(50);
        HostProcess.Signal(worker.Id, HostProcess.SIGTERM);
        await worker.WaitForExitAsync();

        PSObject stopped = session.Run("Get-SqliteReplication").Single();
        Assert.Equal("Stopped", stopped.Properties["State"].Value.ToString());
        Assert.Contains("told to end by a signal", (string)stopped.Properties["Detail"].Value, StringComparison.Ordinal);
        AssertReplicaHolds(table);
        session.Run("Stop-SqliteReplication *");
        Assert.Empty(session.Run("Get-SqliteReplication").Output);
    }

    [Fact]
    public void SIGINT_to_the_worker_does_nothing()
    {
        using EventTable table = new(_folder["a.db"]);
        PSObject started = session.Run("Start-SqliteReplication $args[0] $args[1]", table.FullPath, _folder["r"]).Single();
        HostProcess.Signal((int)started.Properties["ProcessId"].Value, HostProcess.SIGINT);
        table.Add(10);

        session.Run("Sync-SqliteReplication").ThrowIfFailed();
        AssertReplicaHolds(table);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
    }

    [Fact]
    public async Task A_caller_killed_leaves_a_whole_replica_and_no_worker()
    {
        using EventTable table = new(_folder["a.db"]);
        File.WriteAllText(
            _folder["run.ps1"],
            """
            param($Path, $Destination)
            $replication = Start-SqliteReplication $Path $Destination
            "worker $($replication.ProcessId) replicates"
            while ($true) { [Threading.Thread]::Sleep(50) }
            """);
        using HostProcess host = HostProcess.Start(null, "-File", _folder["run.ps1"], "-Path", table.FullPath, "-Destination", _folder["r"]);
        await host.WaitForAsync("replicates");

        // With a file in its place, the replica cannot be reached until the caller is gone: only a last sync brings the rest there.
        Directory.Move(_folder["r"], _folder["away"]);
        File.WriteAllText(_folder["r"], "");
        table.Add(200);
        host.Signal(HostProcess.SIGKILL);
        string output = (await host.WaitForExitAsync()).Output;
        File.Delete(_folder["r"]);
        Directory.Move(_folder["away"], _folder["r"]);

        AssertEnded(int.Parse(output.Split(' ')[1], null));
        AssertReplicaHolds(table);
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.GetTempPath(), "litestream-*"), socket => !Path.HasExtension(socket) && File.GetLastWriteTimeUtc(socket) > table.MadeAt);
    }

    [Fact]
    public async Task A_caller_that_ends_lets_its_worker_finish()
    {
        using EventTable table = new(_folder["a.db"]);
        table.Add(200);

        HostProcess.Result result = await HostProcess.RunAsync(
            "-Command", $"(Start-SqliteReplication '{table.FullPath}' '{_folder["r"]}').ProcessId");

        Assert.Equal(0, result.ExitCode);
        AssertEnded(int.Parse(result.Output, null));
        AssertReplicaHolds(table);
    }

    public void Dispose()
    {
        session.Run("Get-SqliteReplication | Stop-SqliteReplication");
        _folder.Dispose();
    }

    /// <summary>The process is gone, or goes within the time its last sync may take.</summary>
    private static void AssertEnded(int processId)
    {
        try
        {
            using Process process = Process.GetProcessById(processId);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), $"The worker {processId} has not ended.");
        }
        catch (ArgumentException)
        {
            // Gone already.
        }
    }

    private void AssertReplicaHolds(EventTable table)
    {
        string restored = _folder["restored.db"];
        session.Run("Restore-SqliteDatabase $args[0] $args[1] -Force", _folder["r"], restored).ThrowIfFailed();
        Assert.Equal(EventTable.ReadAll(table.FullPath), EventTable.ReadAll(restored));
    }
}
