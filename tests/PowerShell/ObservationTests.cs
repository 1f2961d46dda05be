using System.Diagnostics;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Litestream.Tests.PowerShell;

/// <summary>What a replication shows to those who do not sit at a shell: metrics, a log, a heartbeat.</summary>
[Collection("engine")]
public sealed class ObservationTests(PowerShellSession session) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Prometheus_gets_what_the_cmdlet_shows()
    {
        using EventTable table = new(_folder["a.db"]);
        string prefix = $"http://localhost:{FreePort()}/";
        session.Run("Start-SqliteReplication $args[0] $args[1] -MetricsPrefix $args[2]", table.FullPath, _folder["r"], prefix).ThrowIfFailed();
        table.Add(20);
        session.Run("Sync-SqliteReplication").ThrowIfFailed();

        using HttpClient client = new();
        using HttpResponseMessage response = await client.GetAsync(prefix + "metrics");
        string text = await response.Content.ReadAsStringAsync();
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        PSObject txid = session.Run("Get-SqliteReplicationMetric -Name litestream_txid").Single();
        (string db, string replica) = (Escape(table.FullPath), Escape(_folder["r"]));
        Assert.Contains($"\nlitestream_txid{{db=\"{db}\"}} {txid.Properties["Value"].Value}\n", text, StringComparison.Ordinal);
        Assert.Contains($"\nlitestream_l0_retention_files_total{{db=\"{db}\",replica=\"{replica}\",status=\"eligible\"}} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("\n# TYPE litestream_replica_operation_duration_seconds histogram\n", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(prefix + "other")).StatusCode);

        using Process worker = Process.GetProcessById((int)session.Run("Get-SqliteReplication").Single().Properties["ProcessId"].Value);
        session.Run("Stop-SqliteReplication *").ThrowIfFailed();
        await worker.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30)); // also where a scraper keeps its connection open
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(prefix + "metrics"));
    }

    // As a label's value is written in Prometheus' text.
    private static string Escape(string path) => path.Replace("\\", "\\\\", StringComparison.Ordinal);

    [Fact]
    public void What_cannot_be_opened_starts_nothing()
    {
        string path = EventTable.Make(_folder["a.db"]);
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string prefix = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}/";

        ErrorRecord metrics = session.Run("Start-SqliteReplication $args[0] $args[1] -MetricsPrefix $args[2]", path, _folder["r"], prefix).SingleError();
        ErrorRecord log = session.Run("Start-SqliteReplication $args[0] $args[1] -LogPath $args[2]", path, _folder["r"], _folder["none", "x.log"]).SingleError();

        Assert.StartsWith("MetricsEndpointFailed,", metrics.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("LogUnusable,", log.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["r"]));
        Assert.Empty(session.Run("Get-SqliteReplication").Output);
    }

    [Fact]
    public async Task A_service_writes_its_log_and_beats_while_all_is_well()
    {
        using EventTable table = new(_folder["a.db"]);
        table.Add(10);
        using HttpListener switchboard = new();
        string uri = $"http://localhost:{FreePort()}/";
        switchboard.Prefixes.Add(uri);
        switchboard.Start();
        File.WriteAllText(_folder["service.ps1"], $"Start-SqliteReplication a.db r -Wait -LogPath r.log -HeartbeatUri {uri}ping/secret\nexit 7\n");
        using HostProcess service = HostProcess.Start(_folder.FullPath, "-NonInteractive", "-File", "service.ps1");

        HttpListenerContext beat = await switchboard.GetContextAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("/ping/secret", beat.Request.Url!.AbsolutePath);
        beat.Response.Close();
        service.Signal(HostProcess.SIGTERM);
        Assert.Equal(7, (await service.WaitForExitAsync()).ExitCode);

        JsonElement[] lines = [.. File.ReadLines(_folder["r.log"]).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["Streaming", "Stopped"], lines.Where(line => line.GetProperty("event").GetString() == "state").Select(line => line.GetProperty("state").GetString()).Where(state => state != "Starting"));
        Assert.All(lines, line => Assert.Equal(table.FullPath, line.GetProperty("database").GetString()));
        Assert.DoesNotContain("secret", File.ReadAllText(_folder["r.log"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_tells_of_trouble_once_and_of_the_end()
    {
        using EventTable table = new(_folder["a.db"]);
        session.Run("Start-SqliteReplication $args[0] $args[1] -LogPath $args[2]", table.FullPath, _folder["r"], _folder["r.log"]).ThrowIfFailed();
        await UntilSaysAsync("Streaming");
        Directory.Move(_folder["r"], _folder["away"]);
        table.Add(5);
        for (long begin = Environment.TickCount64; Errors() < 3; await Task.Delay(100))
        {
            Assert.True(Environment.TickCount64 - begin < 60_000);
        }

        Directory.Move(_folder["away"], _folder["r"]);
        session.Run("Sync-SqliteReplication; Stop-SqliteReplication *").ThrowIfFailed();
        string[] events = await UntilSaysAsync("Stopped");

        Assert.Equal(["Streaming", "failed", "Retrying"], events.Where(one => one is not "Starting").Take(3));
        Assert.Single(events, "failed");

        async Task<string[]> UntilSaysAsync(string state)
        {
            string[] said = [];
            for (long begin = Environment.TickCount64; !said.Contains(state); await Task.Delay(100))
            {
                Assert.True(Environment.TickCount64 - begin < 60_000, string.Join(", ", said));
                JsonElement[] lines = File.Exists(_folder["r.log"]) ? [.. File.ReadLines(_folder["r.log"]).Select(line => JsonDocument.Parse(line).RootElement)] : [];
                said = [.. lines.Select(line => line.GetProperty("event").GetString() == "failed" ? "failed" : line.GetProperty("state").GetString()!)];
            }

            return said;
        }

        double Errors() => session.Run("Get-SqliteReplicationMetric -Name litestream_sync_error_count").ThrowIfFailed().Output
            .Sum(metric => (double)metric.Properties["Value"].Value);
    }

    [Fact]
    public void A_log_that_is_full_is_set_aside_and_the_oldest_goes()
    {
        System.Reflection.MethodInfo append = session.Run("(Get-Command Get-SqliteReplication).ImplementingType.Assembly").Single().BaseObject is System.Reflection.Assembly module
            ? module.GetType("Litestream.PowerShell.Observation.ReplicationLog", throwOnError: true)!.GetMethod("Append", System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)!
            : throw new InvalidOperationException();
        for (int i = 0; i < 100; i++)
        {
            append.Invoke(null, [_folder["x.log"], $"{i:0000000}", 80L]);
        }

        Assert.Equal(["x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.4"], Directory.GetFiles(_folder.FullPath).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(_folder.FullPath), file => Assert.InRange(new FileInfo(file).Length, 8, 80));
        string[] kept = [.. Directory.GetFiles(_folder.FullPath).OrderDescending().SelectMany(File.ReadLines)];
        Assert.Equal(Enumerable.Range(100 - kept.Length, kept.Length).Select(i => $"{i:0000000}"), kept);
    }

    public void Dispose() => _folder.Dispose();

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
