using System.Diagnostics;
using System.Globalization;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Verification;
using Xunit.Abstractions;

namespace Litestream.Tests.S3;

/// <summary>A database larger than any memory for it goes to a bucket and comes back. LITESTREAM_LARGE_MEGABYTES says how large.</summary>
[Collection("gateway")]
public sealed class LargeDatabaseTests(CephGateway gateway, ITestOutputHelper output)
{
    private const int UsualMegabytes = 100;

    // What .NET, SQLite and the SDK take is some tens of MB; buffers for both directions are at most 48 MB and 24 MB.
    private const long MaxGrowth = 128 << 20;

    [Fact]
    public async Task Memory_does_not_grow_with_the_database()
    {
        int megabytes = int.TryParse(
            Environment.GetEnvironmentVariable("LITESTREAM_LARGE_MEGABYTES"), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : UsualMegabytes;
        using TemporaryFolder folder = new();
        string database = folder["app.db"];
        using (Process writer = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter.dll"), "--database", database, "--size",
                (megabytes * 1_000_000L).ToString(CultureInfo.InvariantCulture),
            ])
        { RedirectStandardOutput = true })!)
        {
            await writer.StandardOutput.ReadToEndAsync();
            await writer.WaitForExitAsync();
            Assert.Equal(0, writer.ExitCode);
        }

        S3Location place = await gateway.NewPlaceAsync("app");
        GC.Collect();
        long before = Environment.WorkingSet;
        long peak = before;
        using Timer watch = new(_ => peak = Math.Max(peak, Environment.WorkingSet), null, 0, 50);
        long began = Stopwatch.GetTimestamp();
        await using (Replicator replicator = new(new ReplicationOptions { DatabasePath = database, Destinations = [place] }))
        {
            await replicator.StartAsync(CancellationToken.None);
            await replicator.StopAsync(CancellationToken.None);
        }

        TimeSpan sent = Stopwatch.GetElapsedTime(began);
        long peakSent = peak;
        began = Stopwatch.GetTimestamp();
        RestoreOptions options = new() { Source = place, OutputPath = folder["restored.db"] };
        await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
        TimeSpan restored = Stopwatch.GetElapsedTime(began);
        output.WriteLine(FormattableString.Invariant(
            $"{new FileInfo(database).Length} bytes sent in {sent.TotalSeconds:0.0} s, restored in {restored.TotalSeconds:0.0} s; resident {before >> 20} MiB before, at most {peakSent >> 20} MiB while sending, {peak >> 20} MiB in all"));
        Assert.True(peak - before < MaxGrowth, $"resident memory grew by {(peak - before) >> 20} MiB");
        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions { Source = place, DatabasePath = database, Depth = VerificationDepth.Files }, null, CancellationToken.None);
        Assert.Equal(VerificationOutcome.Pass, report.Outcome);
    }
}
