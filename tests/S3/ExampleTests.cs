using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>The example as a user runs it, against the gateway.</summary>
[Collection("gateway")]
public sealed class ExampleTests(CephGateway gateway)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task It_replicates_restores_and_compares_with_keys_that_are_given_out_for_a_minute()
    {
        using TemporaryFolder folder = new();
        await WriteAsync(folder["app.db"]);
        S3Location place = await gateway.NewPlaceAsync("example");
        await using KeyService keys = new(place.Credentials!);
        ProcessStartInfo start = new("dotnet", [HostPath(), "-File", Path.Combine(Root(), "examples", "s3.ps1"),
            "-Url", $"s3://{place.Bucket}/example", "-Endpoint", gateway.Endpoint.AbsoluteUri, "-Path", folder["app.db"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = keys.Address;
        start.Environment["AWS_EC2_METADATA_DISABLED"] = "true";
        foreach (string name in (string[])["LITESTREAM_ACCESS_KEY_ID", "LITESTREAM_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
        {
            start.Environment.Remove(name);
        }

        start.Environment["HOME"] = folder.FullPath; // no keys of a developer's
        using Process example = Process.Start(start)!;
        Task<string> errors = example.StandardError.ReadToEndAsync();
        string said = await example.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        await example.WaitForExitAsync().WaitAsync(Patience);

        Assert.True(example.ExitCode == 0, said + await errors);
        Assert.Contains("Compared with the live database at TXID 1: Pass.", said, StringComparison.Ordinal);

        // A process asks once where keys last; these have run out, by the SDK's measure, whenever they are used again.
        Assert.True(keys.Given > 5, $"a key was given out {keys.Given} times");
        (string id, string secret, _) = place.Credentials!.Reveal();
        Assert.All((string[])[id, secret], word => Assert.DoesNotContain(word, said + errors.Result, StringComparison.Ordinal));
    }

    private static async Task WriteAsync(string database)
    {
        using Process writer = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", database, "--commits", "50"])
        { RedirectStandardOutput = true })!;
        await writer.StandardOutput.ReadToEndAsync();
        await writer.WaitForExitAsync();
        Assert.Equal(0, writer.ExitCode);
    }

    private static string HostPath() => Path.Combine(
        Root(), "src", "Litestream.Host", "bin", AppContext.BaseDirectory.Contains("Release", StringComparison.Ordinal) ? "Release" : "Debug", "net10.0", "Litestream.Host.dll");

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    /// <summary>Gives out keys as a container's service does, each for a minute.</summary>
    private sealed class KeyService : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;
        private int _given;

        public KeyService(S3Credentials credentials)
        {
            using (System.Net.Sockets.TcpListener free = new(IPAddress.Loopback, 0))
            {
                free.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/keys/";
            }

            _listener.Prefixes.Add(Address);
            _listener.Start();
            _serving = ServeAsync(credentials);
        }

        public string Address { get; }

        public int Given => _given;

        public async ValueTask DisposeAsync()
        {
            _listener.Close();
            await _serving;
        }

        private async Task ServeAsync(S3Credentials credentials)
        {
            (string id, string secret, _) = credentials.Reveal();
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    Interlocked.Increment(ref _given);
                    string until = DateTime.UtcNow.AddMinutes(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
                    byte[] body = System.Text.Encoding.ASCII.GetBytes(
                        $$"""{"AccessKeyId":"{{id}}","SecretAccessKey":"{{secret}}","Expiration":"{{until}}"}""");
                    context.Response.ContentType = "application/json";
                    await context.Response.OutputStream.WriteAsync(body);
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // closed
            }
        }
    }
}
