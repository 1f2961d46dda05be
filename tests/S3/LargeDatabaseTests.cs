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

    // Of each direction, above a process that does nothing. Buffers take at most 24 MiB of it.
    private const long MaxGrowth = 64 << 20;

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
        (long sendingGrowth, TimeSpan sending) = await MeasureAsync(async () =>
        {
            await using Replicator replicator = new(new ReplicationOptions { DatabasePath = database, Destinations = [place] });
            await replicator.StartAsync(CancellationToken.None);
            await replicator.StopAsync(CancellationToken.None);
        });
        (long restoringGrowth, TimeSpan restoring) = await MeasureAsync(() =>
            DatabaseRestorer.RestoreAsync(new RestoreOptions { Source = place, OutputPath = folder["restored.db"] }, null, CancellationToken.None));
        output.WriteLine(FormattableString.Invariant(
            $"{new FileInfo(database).Length} bytes sent in {sending.TotalSeconds:0.0} s, resident memory grew by {sendingGrowth >> 20} MiB; restored in {restoring.TotalSeconds:0.0} s, it grew by {restoringGrowth >> 20} MiB"));
        Assert.True(sendingGrowth <= MaxGrowth && restoringGrowth <= MaxGrowth, $"resident memory grew by {sendingGrowth >> 20} MiB and {restoringGrowth >> 20} MiB");
        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions { Source = place, DatabasePath = database, Depth = VerificationDepth.Files }, null, CancellationToken.None);
        Assert.Equal(VerificationOutcome.Pass, report.Outcome);
    }

    // By how much resident memory grew at most, above what is left of a process that has given back what it does not use.
    private static async Task<(long Growth, TimeSpan Elapsed)> MeasureAsync(Func<Task> work)
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long before = Environment.WorkingSet;
        long peak = before;
        long began = Stopwatch.GetTimestamp();
        using (new Timer(_ => peak = Math.Max(peak, Environment.WorkingSet), null, 0, 20))
        {
            await work();
        }

        return (Math.Max(peak, Environment.WorkingSet) - before, Stopwatch.GetElapsedTime(began));
    }
}
