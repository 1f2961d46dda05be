using Litestream.Legacy;
using Litestream.Restoration;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>
/// We restore what Litestream 0.3 writes, to the byte as it does itself; save where it mixes two states (see <see cref="LegacyReplica"/>).
/// </summary>
public sealed class WrittenByLitestream03Tests(LitestreamVfs vfs, LitestreamProgram program, ITestOutputHelper output) : InteropTest(vfs, output)
{
    private const int Instants = 12;
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(6);

    private const string Whole = "SELECT rows = (SELECT count(*) FROM events) AND ids = (SELECT ifnull(sum(id), 0) FROM events) FROM ledger";

    private string Expected => Database + "-expected";

    [Theory]
    [InlineData(4096)]
    [InlineData(1024)]
    public async Task A_database_under_writes_and_checkpoints_is_restored_at_every_instant(int pageSize)
    {
        if (!Has(program.Absence))
        {
            return;
        }

        await WriteEventsAsync(commits: 20, rows: 10, pageSize, "--ledger");
        await using (LitestreamProgram.Replication replication = await program.ReplicateAsync(Database, Replica, "snapshot-interval: 1s", "retention: 1h"))
        {
            await WriteUntilAsync(() => Indexes() >= 10 && Snapshots() >= 3, pageSize);
            await replication.StopAsync();
        }

        await AssertNewestAsync();
        await AssertInstantsAsync();
    }

    [Fact]
    public async Task Generations_after_Litestream_was_away_are_told_apart()
    {
        if (!Has(program.Absence))
        {
            return;
        }

        await WriteEventsAsync(commits: 20, rows: 10, more: "--ledger");
        for (int run = 1; run <= 3; run++)
        {
            string? before = NewestGeneration();
            await using (LitestreamProgram.Replication replication = await program.ReplicateAsync(Database, Replica, "snapshot-interval: 1h", "retention: 1h"))
            {
                await WriteUntilAsync(() => NewestGeneration() != before && Indexes() >= 3);
                await replication.StopAsync();
            }

            await AssertNewestAsync();

            // What it does not see breaks the generation off.
            Execute("DELETE FROM events WHERE id % 5 = 0; VACUUM");
        }

        await AssertInstantsAsync();
    }

    [Fact]
    public async Task A_replica_that_its_retention_has_cut_is_restored_and_says_what_is_gone()
    {
        if (!Has(program.Absence))
        {
            return;
        }

        await WriteEventsAsync(commits: 20, rows: 10, more: "--ledger");
        DateTimeOffset begin = DateTimeOffset.UtcNow;
        await using (LitestreamProgram.Replication replication = await program.ReplicateAsync(
            Database, Replica, "snapshot-interval: 500ms", "retention: 1s", "retention-check-interval: 200ms"))
        {
            await WriteUntilAsync(() => Files("snapshots").Select(file => file.Name).Order(StringComparer.Ordinal).FirstOrDefault() is { } first && first[0..8] != "00000000");
            await replication.StopAsync();
        }

        await AssertNewestAsync();
        ReplicaNotFoundException gone = await Assert.ThrowsAsync<ReplicaNotFoundException>(() => RestoreAsync(begin));
        Assert.Contains("oldest snapshot", gone.Message, StringComparison.Ordinal);
    }

    private async Task WriteUntilAsync(Func<bool> done, int pageSize = 4096)
    {
        for (int round = 0; !done(); round++)
        {
            Assert.True(round < 100, "Litestream did not write what the test waits for.");
            await WriteEventsAsync(commits: 60, rows: 3, pageSize, "--rate", "150", "--checkpoints", "random", "--mix", "--ledger", "--seed", $"{round}");
        }
    }

    /// <summary>The newest state is the database file, which nobody has open any more, and what Litestream restores.</summary>
    private async Task AssertNewestAsync()
    {
        RestoreResult result = await RestoreAsync(null);
        byte[] restored = await File.ReadAllBytesAsync(Restored);
        Assert.Equal(16, result.Generation?.Length);
        Assert.Equal(await File.ReadAllBytesAsync(Database), restored);
        await program.RestoreAsync(Replica, Expected, null);
        Assert.Equal(await File.ReadAllBytesAsync(Expected), restored);
    }

    /// <summary>Some instants of each generation, shortly after a segment was written, and before the next.</summary>
    private async Task AssertInstantsAsync()
    {
        int same = 0;
        HashSet<byte[]> different = new(EqualityComparer<byte[]>.Create((a, b) => a.AsSpan().SequenceEqual(b), bytes => bytes.Length));
        foreach (string generation in Directory.GetDirectories(Path.Combine(Replica, "generations")))
        {
            DateTime first = Directory.GetFiles(Path.Combine(generation, "snapshots")).Min(File.GetLastWriteTimeUtc);
            DateTime[] times = [.. Directory.GetFiles(generation, "*.lz4", SearchOption.AllDirectories).Select(File.GetLastWriteTimeUtc).Where(time => time >= first).Order()];
            DateTime[] alone = [.. times.Zip(times.Skip(1)).Where(pair => pair.Second - pair.First > 2 * Apart).Select(pair => pair.First + Apart)];
            Assert.NotEmpty(alone);
            foreach (DateTime time in alone.Where((_, i) => i % ((alone.Length / Instants) + 1) == 0))
            {
                LegacyPlan plan = (await DatabaseRestorer.PlanAsync(Options(time), CancellationToken.None)).Legacy!;
                if (!plan.IsSettled)
                {
                    continue; // nobody can know whether the snapshot is ahead, and Litestream does not ask
                }

                await RestoreAsync(time);
                byte[] restored = await File.ReadAllBytesAsync(Restored);
                string[] whole = await LitestreamVfs.QueryDatabaseAsync(Restored, Whole);
                Assert.Equal(["1\n"], whole);
                different.Add(restored);
                if (plan.Snapshot.Timestamp == Snapshots(generation).Last(snapshot => snapshot <= time))
                {
                    await program.RestoreAsync(Replica, Expected, time);
                    byte[] expected = await File.ReadAllBytesAsync(Expected);
                    Assert.True(expected.AsSpan().SequenceEqual(restored), $"{time:o}: {plan}");
                    same++;
                }
            }
        }

        Output.WriteLine($"{different.Count} different states, {same} of them compared with Litestream's.");
        Assert.True(different.Count > 3 && same > 3, $"Only {different.Count} different states, {same} compared.");
    }

    private Task<RestoreResult> RestoreAsync(DateTimeOffset? time) => DatabaseRestorer.RestoreAsync(Options(time), null, CancellationToken.None);

    private RestoreOptions Options(DateTimeOffset? time) => new()
    {
        Source = ReplicaLocation.Parse(Replica),
        OutputPath = Restored,
        TargetTime = time,
        Force = true,
        IntegrityCheck = IntegrityCheck.Full,
    };

    private static IEnumerable<DateTimeOffset> Snapshots(string generation) => Directory.GetFiles(Path.Combine(generation, "snapshots"))
        .Select(file => new DateTimeOffset(File.GetLastWriteTimeUtc(file))).Order()
        .Select(time => new DateTimeOffset(time.Ticks - (time.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero));

    private string? NewestGeneration() => Files("snapshots").MaxBy(file => file.LastWriteTimeUtc)?.Directory!.Parent!.Name;

    private int Snapshots() => Newest("snapshots").Count();

    private int Indexes() => Newest("wal").Select(file => file.Name[..8]).Distinct().Count();

    private IEnumerable<FileInfo> Newest(string kind) =>
        Files(kind).GroupBy(file => file.Directory!.Parent!.Name).MaxBy(generation => generation.Max(file => file.LastWriteTimeUtc)) ?? Enumerable.Empty<FileInfo>();

    private IEnumerable<FileInfo> Files(string kind) => Directory.Exists(Replica)
        ? new DirectoryInfo(Replica).GetFiles("*.lz4", SearchOption.AllDirectories).Where(file => file.Directory!.Name == kind)
        : [];
}
