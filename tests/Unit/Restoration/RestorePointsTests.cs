using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Restoration;

public sealed class RestorePointsTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Every_end_that_a_chain_leads_to_is_a_point_with_its_lowest_level()
    {
        RestorePoints points = Of((9, 1, 4), (1, 3, 6), (2, 5, 8), (0, 8, 8), (0, 9, 9), (0, 11, 11), (9, 1, 12), (0, 13, 13), (0, 3, 3));
        Assert.Equal("4:9 6:1 8:0 9:0 12:9 13:0", string.Join(' ', points.All.Select(point => $"{point.Txid}:{point.Level}")));
        Assert.Equal(ReplicaFolder.Time(4), points.From);
        Assert.Equal(ReplicaFolder.Time(13), points.To);
        Assert.All(points.All, point => Assert.Equal(ReplicaFolder.Time(point.Txid), point.Timestamp));
    }

    [Fact]
    public void Points_are_exactly_what_can_be_planned()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            ReplicaFile[] files = RandomFiles(new Random(seed));
            HashSet<ulong> points = [.. RestorePoints.Of("replica", files).All.Select(point => point.Txid)];
            for (ulong txid = 1; txid <= 20; txid++)
            {
                Assert.Equal(points.Contains(txid), CanPlan(files, txid));
            }
        }
    }

    [Fact]
    public void Time_is_met_by_the_newest_point_at_or_before_it()
    {
        (int, ulong, ulong)[] files = [(9, 1, 4), (1, 5, 8), (0, 9, 9)];
        Assert.Equal(8ul, PlanAt(ReplicaFolder.Time(8), files).Txid);
        Assert.Equal(8ul, PlanAt(ReplicaFolder.Time(9).AddTicks(-1), files).Txid);
        Assert.Equal(4ul, PlanAt(ReplicaFolder.Time(7), files).Txid);
        Assert.Equal(9ul, PlanAt(ReplicaFolder.Time(1000), files).Txid);
        ReplicaNotFoundException early = Assert.Throws<ReplicaNotFoundException>(() => PlanAt(ReplicaFolder.Time(3), files));
        Assert.Contains("transaction 4", early.Message, StringComparison.Ordinal);
        Assert.Throws<ReplicaNotFoundException>(() => PlanAt(ReplicaFolder.Time(3), (0, 3, 3)));
        Assert.Throws<ReplicaNotFoundException>(() => PlanAt(ReplicaFolder.Time(3)));
    }

    [Fact]
    public void Transaction_inside_a_merge_is_refused_and_both_neighbours_are_named()
    {
        ReplicaGapException e = Assert.Throws<ReplicaGapException>(() => RestorePlanner.Plan("replica", Files((9, 1, 4), (1, 5, 8), (2, 9, 16)), 11));
        Assert.Contains("before it is transaction 8", e.Message, StringComparison.Ordinal);
        Assert.Contains("after it transaction 16", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<ReplicaGapException>(() => RestorePlanner.Plan("replica", Files((9, 1, 4)), 11));
        Assert.DoesNotContain("after it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restore_by_time_writes_the_state_of_that_time()
    {
        var replica = new ReplicaFolder(_temporary["replica"]);
        replica.Write(9, 1, 1, 1, (1, 1));
        replica.Write(0, 2, 2, 1, (1, 2));
        replica.Write(0, 3, 3, 1, (1, 3));
        var options = new RestoreOptions
        {
            Source = ReplicaLocation.Parse(replica.Path),
            OutputPath = _temporary["out.db"],
            TargetTime = ReplicaFolder.Time(2).AddMilliseconds(700),
            SeedLocalState = false,
        };
        RestoreResult result = await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
        Assert.Equal(2ul, result.Txid);
        Assert.Equal(ReplicaFolder.Time(2), result.Timestamp);
        Assert.All(await File.ReadAllBytesAsync(result.Path), value => Assert.Equal(2, value));
        await Assert.ThrowsAsync<ArgumentException>(
            () => DatabaseRestorer.PlanAsync(options with { TargetTxid = 2 }, CancellationToken.None));
    }

    [Fact]
    public async Task List_finds_a_full_image_outside_level_9_and_an_absent_replica()
    {
        var replica = new ReplicaFolder(_temporary["replica"]);
        await Assert.ThrowsAsync<ReplicaNotFoundException>(() => RestorePoints.ListAsync(ReplicaLocation.Parse(replica.Path), CancellationToken.None));
        replica.Write(0, 4, 4, 2, (1, 4), (2, 4));
        replica.Write(0, 5, 5, 2, (2, 5));
        RestorePoints points = await RestorePoints.ListAsync(ReplicaLocation.Parse(replica.Path), CancellationToken.None);
        Assert.Equal([4, 5], points.All.Select(point => point.Txid));
    }

    private static bool CanPlan(ReplicaFile[] files, ulong txid)
    {
        try
        {
            return RestorePlanner.Plan("replica", files, txid).Txid == txid;
        }
        catch (Exception e) when (e is ReplicaGapException or ReplicaNotFoundException)
        {
            return false;
        }
    }

    private static ReplicaFile[] RandomFiles(Random random) => Files([.. Enumerable.Range(0, random.Next(1, 20)).Select(_ =>
    {
        int level = random.Next(6) is var drawn and < 4 ? drawn : 9;
        ulong max = (ulong)random.Next(1, 21);
        ulong min = level switch { 0 => max, 9 => 1, _ => (ulong)Math.Max(1, (long)max - random.Next(6)) };
        return (level, min, max);
    })]);

    private static RestorePoints Of(params (int, ulong, ulong)[] files) => RestorePoints.Of("replica", Files(files));

    private static RestorePlan PlanAt(DateTimeOffset time, params (int, ulong, ulong)[] files) =>
        RestorePlanner.PlanAt("replica", Files(files), time);

    private static ReplicaFile[] Files(params (int Level, ulong Min, ulong Max)[] files) =>
        [.. files.Select(f => new ReplicaFile(f.Level, new LtxFileName(f.Min, f.Max), 100 + (long)(f.Max - f.Min), ReplicaFolder.Time(f.Max)))];
}
