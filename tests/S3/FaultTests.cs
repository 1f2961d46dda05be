using System.Diagnostics;
using System.Globalization;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Verification;
using Xunit.Abstractions;

namespace Litestream.Tests.S3;

/// <summary>
/// A writer goes on while the way to the bucket is spoiled by a seeded draw of faults; afterwards replica and database are equal, page
/// by page, and every instant in between is whole. LITESTREAM_FAULT_SECONDS makes it longer, LITESTREAM_FAULT_SEED repeats one.
/// </summary>
[Collection("gateway")]
public sealed class FaultTests(CephGateway gateway, ITestOutputHelper output)
{
    private const int UsualSeed = 914451396;

    private static readonly int FaultSeconds = Setting("LITESTREAM_FAULT_SECONDS", 15);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3) + TimeSpan.FromSeconds(FaultSeconds);

    [Fact]
    public async Task No_fault_leaves_a_gap_or_a_wrong_byte()
    {
        int seed = Setting("LITESTREAM_FAULT_SEED", UsualSeed);
        output.WriteLine(FormattableString.Invariant($"seed {seed}"));
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        await WriteAsync(database, "--size", "2000000");
        S3Location place = await gateway.NewPlaceAsync("app");
        await using FaultProxy proxy = new(gateway.Endpoint, seed);
        await using (Replicator replicator = new(Options(database, place, proxy)))
        {
            await replicator.StartAsync(CancellationToken.None).WaitAsync(Patience);
            await using TruthWatch truth = new(replicator, place);
            await using Troubles troubles = new(gateway, proxy, seed);
            await WriteAsync(database, "--rate", "200", "--seconds", FaultSeconds.ToString(CultureInfo.InvariantCulture), "--seed", "5");
            ReplicationStatus during = replicator.Status;
            await troubles.EndAsync();
            await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
            ReplicationStatus after = replicator.Status;
            output.WriteLine(FormattableString.Invariant(
                $"{after.FilesUploaded} files, TXID {after.ReplicaTxid}; behind at the end of the faults: {during.CapturedTxid - during.ReplicaTxid}"));
            output.WriteLine($"{string.Join(", ", proxy.Done)}; {troubles}");
            output.WriteLine(await truth.EndAsync());
            Assert.Equal(after.CapturedTxid, after.ReplicaTxid);
            Assert.True(proxy.Done.Count >= 6, "too few faults were drawn to prove anything");
            using CancellationTokenSource limit = new(Patience);
            await replicator.StopAsync(limit.Token);
        }

        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions { Source = place, DatabasePath = database, Depth = VerificationDepth.Compare }, null, CancellationToken.None);
        Assert.True(report.Outcome == VerificationOutcome.Pass, string.Join("; ", report.Findings.Select(finding => finding.Message)));
        await EveryInstantIsWholeAsync(place, folder);
    }

    [Fact]
    public async Task A_replica_that_another_takes_over_is_not_written_to_and_goes_on_when_it_is_free_again()
    {
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        await WriteAsync(database, "--size", "200000");
        S3Location place = await gateway.NewPlaceAsync("app");
        await using Replicator replicator = new(new ReplicationOptions
        {
            DatabasePath = database,
            Destinations = [place],
            SyncInterval = TimeSpan.Zero,
            MaxRetryInterval = TimeSpan.FromSeconds(1),
        });
        await replicator.StartAsync(CancellationToken.None).WaitAsync(Patience);
        ulong before = replicator.Status.ReplicaTxid;

        // Another machine found the lease run out, and took it: an idle one is not renewed.
        using Amazon.S3.AmazonS3Client client = S3Client.Create(place);
        string key = $"{place.Path}/lock.json";
        string until = (DateTimeOffset.UtcNow + TimeSpan.FromMinutes(5)).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        await client.PutObjectAsync(new Amazon.S3.Model.PutObjectRequest
        {
            BucketName = place.Bucket,
            Key = key,
            ContentBody = $$"""{"generation":9,"expires_at":"{{until}}","owner":"beta:2"}""",
        });
        await ExpireAsync(replicator, database);
        await UntilAsync(() => replicator.Status.LastError?.Contains("beta", StringComparison.Ordinal) == true); // once it has asked who
        ulong kept = replicator.Status.ReplicaTxid;
        await WriteAsync(database, "--commits", "3");
        await UntilAsync(() => replicator.Status.CapturedTxid > kept + 1);
        Assert.Equal((kept, ReplicationState.Retrying), (replicator.Status.ReplicaTxid, replicator.Status.State));
        Assert.True(kept >= before);

        await client.DeleteObjectAsync(place.Bucket, key);
        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        Assert.Equal((ReplicationState.Streaming, 1), (replicator.Status.State, replicator.Status.BaseImages));
        await replicator.StopAsync(CancellationToken.None);
        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions { Source = place, DatabasePath = database, Depth = VerificationDepth.Compare }, null, CancellationToken.None);
        Assert.Equal(VerificationOutcome.Pass, report.Outcome);
    }

    // A lease is proven again when a third of its time has passed; until then its holder writes, and rightly.
    private static async Task ExpireAsync(Replicator replicator, string database)
    {
        long begin = Stopwatch.GetTimestamp();
        while (replicator.Status.LastErrorId != "ReplicaInUse")
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience / 2, $"it did not come to be said: {replicator.Status}");
            await WriteAsync(database, "--commits", "1");
        }
    }

    [Theory]
    [InlineData(400, "ExpiredToken", "ReplicaKeyExpired")]
    [InlineData(403, "RequestTimeTooSkewed", "ReplicaClockSkewed")]
    [InlineData(403, "AccessDenied", "ReplicaAccessDenied")]
    [InlineData(503, "SlowDown", "ReplicaUnreachable")]
    [InlineData(0, "killed", "ReplicaUnreachable")]
    public async Task The_state_tells_what_is_wrong_until_it_is_mended_and_then_goes_on(int status, string code, string id)
    {
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        await WriteAsync(database, "--size", "200000");
        S3Location place = await gateway.NewPlaceAsync("app");
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 1) { Spoils = false };
        await using Replicator replicator = new(Options(database, place, proxy));
        await replicator.StartAsync(CancellationToken.None).WaitAsync(Patience);
        ulong before = replicator.Status.ReplicaTxid;

        if (status == 0)
        {
            await gateway.KillAsync();
        }
        else
        {
            proxy.Refusal = (status, code);
        }

        await WriteAsync(database, "--commits", "5");
        await UntilAsync(() => replicator.Status is { State: ReplicationState.Retrying } now && now.LastErrorId == id);
        Assert.Equal(before, replicator.Status.ReplicaTxid);
        Assert.True(replicator.Status.CapturedTxid > before, "nothing was captured meanwhile");

        proxy.Refusal = null;
        if (status == 0)
        {
            await gateway.RestartAsync();
        }

        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(ReplicationState.Streaming, replicator.Status.State);
        Assert.Equal(replicator.Status.CapturedTxid, replicator.Status.ReplicaTxid);
        using CancellationTokenSource limit = new(Patience);
        await replicator.StopAsync(limit.Token);
    }

    [Fact]
    public async Task A_gateway_that_neither_refuses_nor_answers_is_told_of_long_before_it_is_given_up()
    {
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        await WriteAsync(database, "--size", "200000");
        S3Location place = await gateway.NewPlaceAsync("app");
        await using Replicator replicator = new(new ReplicationOptions { DatabasePath = database, Destinations = [place], SyncInterval = TimeSpan.Zero });
        await replicator.StartAsync(CancellationToken.None).WaitAsync(Patience);
        ulong before = replicator.Status.ReplicaTxid;
        TimeSpan lag;
        await gateway.PauseAsync();
        try
        {
            await WriteAsync(database, "--commits", "1");
            await UntilAsync(() => replicator.Status.Detail?.Contains("has not answered", StringComparison.Ordinal) == true);
            ReplicationStatus told = replicator.Status;
            Assert.Equal((ReplicationState.Retrying, before, null), (told.State, told.ReplicaTxid, told.LastErrorId));
            lag = told.Lag;
            Assert.True(lag > TimeSpan.FromSeconds(9), $"the lag is said to be {lag}");
            await UntilAsync(() => replicator.Status.Lag > lag);
        }
        finally
        {
            await gateway.ContinueAsync();
        }

        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        Assert.Equal((ReplicationState.Streaming, null), (replicator.Status.State, replicator.Status.Detail));
        Assert.True(replicator.Status.Lag < lag, $"the lag is said to be {replicator.Status.Lag}");
        await replicator.StopAsync(CancellationToken.None);
    }

    private static ReplicationOptions Options(string database, S3Location place, FaultProxy proxy) => new()
    {
        DatabasePath = database,
        Destinations = [place with { Endpoint = proxy.Endpoint }],
        SyncInterval = TimeSpan.FromMilliseconds(50),
        MaxRetryInterval = TimeSpan.FromSeconds(1),
    };

    private static async Task UntilAsync(Func<bool> condition)
    {
        long begin = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience / 2, "it did not come to be said");
            await Task.Delay(20);
        }
    }

    [Fact]
    public async Task A_restore_goes_on_over_connections_that_break()
    {
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        await WriteAsync(database, "--size", "20000000");
        S3Location place = await gateway.NewPlaceAsync("app");
        await using (Replicator replicator = new(new ReplicationOptions { DatabasePath = database, Destinations = [place] }))
        {
            await replicator.StartAsync(CancellationToken.None).WaitAsync(Patience);
            await replicator.StopAsync(CancellationToken.None);
        }

        RestoreOptions direct = new() { Source = place, OutputPath = folder["direct.db"] };
        await DatabaseRestorer.RestoreAsync(direct, null, CancellationToken.None);
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 3);
        for (int i = 0; i < 5; i++)
        {
            string path = folder[$"spoiled-{i}.db"];
            await DatabaseRestorer.RestoreAsync(
                direct with { Source = place with { Endpoint = proxy.Endpoint }, OutputPath = path }, null, CancellationToken.None).WaitAsync(Patience);
            Assert.True(File.ReadAllBytes(direct.OutputPath).AsSpan().SequenceEqual(File.ReadAllBytes(path)));
        }
    }

    private static async Task EveryInstantIsWholeAsync(S3Location place, TemporaryFolder folder)
    {
        RestorePoints points = await RestorePoints.ListAsync(place, CancellationToken.None);
        Random random = new(1);
        foreach (RestorePoint point in points.All.Where(_ => random.Next(points.All.Count) < 5))
        {
            await DatabaseRestorer.RestoreAsync(
                new RestoreOptions
                {
                    Source = place,
                    OutputPath = folder[$"{point.Txid}.db"],
                    TargetTxid = point.Txid,
                    IntegrityCheck = IntegrityCheck.Full,
                },
                null,
                CancellationToken.None);
        }
    }

    private static async Task WriteAsync(string database, params string[] arguments)
    {
        using Process writer = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", database, .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = writer.StandardError.ReadToEndAsync();
        await writer.StandardOutput.ReadToEndAsync().WaitAsync(Patience);
        await writer.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(writer.ExitCode == 0, await errors);
    }

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : usual;
}
