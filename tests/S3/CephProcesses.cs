using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon.S3;
using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>Ceph's S3 gateway and what stands below it, as processes on loopback: started by <c>ceph-rgw.sh</c>, for tests and measurements.</summary>
/// <param name="folder">Where it keeps what it keeps; need not exist.</param>
internal sealed class CephProcesses(string folder) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private const int BucketTries = 3;

    /// <summary>Why it cannot run here; null if it can.</summary>
    public static string? Missing { get; } =
        new[] { "radosgw", "ceph-mon", "ceph-osd", "ceph" }.FirstOrDefault(program => !File.Exists($"/usr/bin/{program}")) is { } missing
            ? $"{missing} is not installed (Debian: radosgw ceph-mon ceph-osd ceph-common; ./test.sh installs them)"
            : null;

    /// <summary>The key of its user.</summary>
    public static S3Credentials Key { get; } = new("TESTS", "of-no-secret");

    /// <summary>Its URL.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The file with the processes' numbers, a line each, the gateway last; each of them limits the time of its one child.</summary>
    public string Pids => Path.Combine(folder, "run", "pids");

    /// <summary>Starts it and returns when it answers.</summary>
    public async Task StartAsync()
    {
        int port = FreePort();
        Endpoint = new Uri($"http://127.0.0.1:{port}");
        string script = Path.Combine(AppContext.BaseDirectory, "ceph-rgw.sh");
        using Process start = Process.Start(new ProcessStartInfo(
            "bash", [script, folder, port.ToString(CultureInfo.InvariantCulture), FreePort().ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardError = true })!;
        string errors = await start.StandardError.ReadLineAsync().WaitAsync(Patience) ?? "";
        await start.WaitForExitAsync().WaitAsync(Patience);
        if (start.ExitCode != 0)
        {
            throw new InvalidOperationException($"Ceph's gateway did not start: {errors}");
        }
    }

    /// <summary>Makes a bucket.</summary>
    /// <param name="place">A place in it.</param>
    public static async Task MakeBucketAsync(S3Location place)
    {
        using AmazonS3Client client = S3Client.Create(place);
        for (int again = BucketTries; ; again--)
        {
            try
            {
                await client.PutBucketAsync(place.Bucket);
                return;
            }
            catch (TimeoutException) when (again > 0)
            {
                // The first bucket makes the gateway's pools, which on a busy machine takes longer than a request may.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Pids))
        {
            foreach (string line in await File.ReadAllLinesAsync(Pids))
            {
                using Process kill = Process.Start("kill", line); // timeout passes it on
                await kill.WaitForExitAsync();
            }

            await Task.Delay(500); // they write to the folder to their end
        }
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
