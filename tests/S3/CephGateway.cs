using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>Ceph's S3 gateway on loopback, started once for all tests and stopped after them.</summary>
public sealed class CephGateway : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CephProcesses _processes;
    private int _lastBucket;

    public CephGateway() => _processes = new CephProcesses(_folder["ceph"]);

    /// <summary>Why it cannot run here; null if it can.</summary>
    internal static string? Missing => CephProcesses.Missing;

    /// <summary>Its URL.</summary>
    internal Uri Endpoint => _processes.Endpoint;

    /// <summary>The key of its user.</summary>
    internal static S3Credentials Key => CephProcesses.Key;

    /// <summary>A place in a bucket of its own.</summary>
    internal async Task<S3Location> NewPlaceAsync(string path = "a place")
    {
        string bucket = string.Create(CultureInfo.InvariantCulture, $"bucket-{Interlocked.Increment(ref _lastBucket)}");
        S3Location place = new(bucket, path) { Endpoint = Endpoint, Credentials = Key };
        await CephProcesses.MakeBucketAsync(place);
        return place;
    }

    /// <summary>Stops it where it stands (SIGSTOP): connections stay open and nothing is answered.</summary>
    internal Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    internal Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Ends it at once (SIGKILL). What it has stored stays.</summary>
    internal async Task KillAsync()
    {
        await SignalAsync("KILL");
        await File.WriteAllLinesAsync(_processes.Pids, (await File.ReadAllLinesAsync(_processes.Pids))[..^1]);
    }

    /// <summary>Starts it again on its port and returns when it listens.</summary>
    internal async Task RestartAsync()
    {
        using Process gateway = Process.Start(new ProcessStartInfo(
            "timeout", ["-k", "5", "1800", "radosgw", "-n", "client.rgw.x", "-c", _folder["ceph", "ceph.conf"], "-f"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await File.AppendAllLinesAsync(_processes.Pids, [gateway.Id.ToString(CultureInfo.InvariantCulture)]);
        using CancellationTokenSource limit = new(CephProcesses.Patience);
        while (true)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, Endpoint.Port, limit.Token);
                return;
            }
            catch (SocketException)
            {
                Assert.False(gateway.HasExited, "Ceph's gateway did not come up again.");
                await Task.Delay(200, limit.Token);
            }
        }
    }

    public Task InitializeAsync() => Missing is null ? _processes.StartAsync() : Task.CompletedTask;

    public Task DisposeAsync() => _processes.DisposeAsync().AsTask();

    public void Dispose()
    {
        try
        {
            _folder.Dispose();
        }
        catch (IOException)
        {
            // the store in memory is gone all the same; what is left is a few small files of the temporary folder
        }
    }

    // The gateway is the one child of the last process that was started, which limits its time.
    private async Task SignalAsync(string signal)
    {
        string limiter = (await File.ReadAllLinesAsync(_processes.Pids))[^1];
        string gateway = (await File.ReadAllTextAsync($"/proc/{limiter}/task/{limiter}/children")).Trim();
        using Process kill = Process.Start("kill", [$"-{signal}", gateway]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
