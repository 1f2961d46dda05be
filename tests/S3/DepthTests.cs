using System.Diagnostics;
using Amazon.S3;
using Amazon.S3.Model;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Verification;
using S3Location = Litestream.Storage.S3Location;

namespace Litestream.Tests.S3;

/// <summary>A replica in a bucket is tested at every depth and restored to every instant that it tells apart.</summary>
[Collection("gateway")]
public sealed class DepthTests(CephGateway gateway)
{
    [Fact]
    public async Task Every_depth_passes_and_every_instant_is_the_same_by_number_and_by_time()
    {
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        S3Location place = await ReplicateAsync(database);

        foreach (VerificationDepth depth in Enum.GetValues<VerificationDepth>())
        {
            VerificationReport report = await VerifyAsync(place, depth, database);
            Assert.True(report.Outcome == VerificationOutcome.Pass, string.Join("; ", report.Findings.Select(finding => finding.Message)));
        }

        IReadOnlyList<RestorePoint> points = (await RestorePoints.ListAsync(place, CancellationToken.None)).All;
        Assert.True(points.Count > 10, $"only {points.Count} instants");
        foreach (RestorePoint point in points.Where((_, number) => number % 8 == 3))
        {
            RestoreOptions options = new() { Source = place, OutputPath = folder["number.db"], TargetTxid = point.Txid, Force = true, IntegrityCheck = IntegrityCheck.Quick };
            Assert.Equal(point.Txid, (await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None)).Txid);
            if (points.Count(other => other.Timestamp == point.Timestamp) > 1)
            {
                continue; // the time alone means the last of them
            }

            RestoreOptions byTime = options with { TargetTxid = null, TargetTime = point.Timestamp, OutputPath = folder["time.db"] };
            Assert.Equal(point.Txid, (await DatabaseRestorer.RestoreAsync(byTime, null, CancellationToken.None)).Txid);
            Assert.True(File.ReadAllBytes(options.OutputPath).AsSpan().SequenceEqual(File.ReadAllBytes(byTime.OutputPath)));
        }
    }

    [Fact]
    public async Task A_byte_that_flipped_in_the_bucket_is_found_and_named_and_never_restored()
    {
        using TemporaryFolder folder = new();
        S3Location place = await ReplicateAsync(folder["app.db"]);
        using AmazonS3Client client = S3Client.Create(place);
        string key = (await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = place.Bucket, Prefix = "app/0000/" })).S3Objects[^1].Key;
        using MemoryStream content = new();
        using (GetObjectResponse file = await client.GetObjectAsync(place.Bucket, key))
        {
            await file.ResponseStream.CopyToAsync(content);
        }

        byte[] bytes = content.ToArray();
        bytes[bytes.Length / 2] ^= 1;
        await client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = place.Bucket,
            Key = key,
            InputStream = new MemoryStream(bytes),
            UseChunkEncoding = false,
        });

        VerificationReport report = await VerifyAsync(place, VerificationDepth.Files, null);

        Assert.Equal(VerificationOutcome.Fail, report.Outcome);
        Assert.Contains(report.Findings, finding => finding.Message.Contains(key[^20..^4], StringComparison.Ordinal));
        RestoreOptions options = new() { Source = place, OutputPath = folder["never.db"] };
        await Assert.ThrowsAnyAsync<LitestreamException>(() => DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None));
        Assert.False(File.Exists(options.OutputPath));
    }

    private async Task<S3Location> ReplicateAsync(string database)
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        await WriteAsync(database, "--size", "500000");
        await using Replicator replicator = new(new ReplicationOptions
        {
            DatabasePath = database,
            Destinations = [place],
            SyncInterval = TimeSpan.FromMilliseconds(20),
        });
        await replicator.StartAsync(CancellationToken.None);
        await WriteAsync(database, "--rate", "50", "--commits", "60");
        await replicator.StopAsync(CancellationToken.None);
        return place;
    }

    private static Task<VerificationReport> VerifyAsync(S3Location place, VerificationDepth depth, string? database) =>
        ReplicaVerifier.VerifyAsync(new VerificationOptions { Source = place, DatabasePath = database, Depth = depth }, null, CancellationToken.None);

    private static async Task WriteAsync(string database, params string[] arguments)
    {
        using Process writer = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", database, .. arguments])
        { RedirectStandardOutput = true })!;
        await writer.StandardOutput.ReadToEndAsync();
        await writer.WaitForExitAsync();
        Assert.Equal(0, writer.ExitCode);
    }
}
