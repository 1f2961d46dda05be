using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon.S3;
using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>Ceph's S3 gateway on loopback, started once for all tests and stopped after them.</summary>
public sealed class CephGateway : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private const int BucketTries = 3;

    private readonly TemporaryFolder _folder = new();
    private int _lastBucket;

    /// <summary>Why it cannot run here; null if it can.</summary>
    internal static string? Missing { get; } =
        new[] { "radosgw", "ceph-mon", "ceph-osd", "ceph" }.FirstOrDefault(program => !File.Exists($"/usr/bin/{program}")) is { } missing
            ? $"{missing} is not installed (Debian: radosgw ceph-mon ceph-osd ceph-common; ./test.sh installs them)"
            : null;

    /// <summary>Its URL.</summary>
    internal Uri Endpoint { get; private set; } = null!;

    /// <summary>The key of its user.</summary>
    internal static S3Credentials Key { get; } = new("TESTS", "of-no-secret");

    /// <summary>A place in a bucket of its own.</summary>
    internal async Task<S3Location> NewPlaceAsync(string path = "a place")
    {
        string bucket = string.Create(CultureInfo.InvariantCulture, $"bucket-{Interlocked.Increment(ref _lastBucket)}");
        S3Location place = new(bucket, path) { Endpoint = Endpoint, Credentials = Key };
        using AmazonS3Client client = S3Client.Create(place);
        for (int again = BucketTries; ; again--)
        {
            try
            {
                await client.PutBucketAsync(bucket);
                return place;
            }
            catch (TimeoutException) when (again > 0)
            {
                // The first bucket makes the gateway's pools, which on a busy machine takes longer than a request may.
            }
        }
    }

    /// <summary>Stops it where it stands (SIGSTOP): connections stay open and nothing is answered.</summary>
    internal Task PauseAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    internal Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Ends it at once (SIGKILL). What it has stored stays.</summary>
    internal async Task KillAsync()
    {
        await SignalAsync("KILL");
        string pids = _folder["ceph", "run", "pids"];
        await File.WriteAllLinesAsync(pids, (await File.ReadAllLinesAsync(pids))[..^1]);
    }

    /// <summary>Starts it again on its port and returns when it listens.</summary>
    internal async Task RestartAsync()
    {
        using Process gateway = Process.Start(new ProcessStartInfo(
            "timeout", ["-k", "5", "1800", "radosgw", "-n", "client.rgw.x", "-c", _folder["ceph", "ceph.conf"], "-f"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await File.AppendAllLinesAsync(_folder["ceph", "run", "pids"], [gateway.Id.ToString(CultureInfo.InvariantCulture)]);
        using CancellationTokenSource limit = new(Patience);
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

    public async Task InitializeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        int port = FreePort();
        Endpoint = new Uri($"http://127.0.0.1:{port}");
        string script = Path.Combine(AppContext.BaseDirectory, "ceph-rgw.sh");
        using Process start = Process.Start(new ProcessStartInfo(
            "bash", [script, _folder["ceph"], port.ToString(CultureInfo.InvariantCulture), FreePort().ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardError = true })!;
        string errors = await start.StandardError.ReadLineAsync().WaitAsync(Patience) ?? "";
        await start.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(start.ExitCode == 0, $"Ceph's gateway did not start: {errors}");
    }

    public async Task DisposeAsync()
    {
        string pids = _folder["ceph", "run", "pids"];
        if (File.Exists(pids))
        {
            foreach (string line in await File.ReadAllLinesAsync(pids))
            {
                using Process kill = Process.Start("kill", line); // timeout passes it on
                await kill.WaitForExitAsync();
            }

            await Task.Delay(500); // they write to the folder to their end
        }
    }

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
        string limiter = (await File.ReadAllLinesAsync(_folder["ceph", "run", "pids"]))[^1];
        string gateway = (await File.ReadAllTextAsync($"/proc/{limiter}/task/{limiter}/children")).Trim();
        using Process kill = Process.Start("kill", [$"-{signal}", gateway]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
