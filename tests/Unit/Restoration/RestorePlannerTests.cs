using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Restoration;

public sealed class RestorePlannerTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Newest_image_is_followed_by_the_longest_merges()
    {
        RestorePlan plan = Plan(null, (9, 1, 4), (9, 1, 8), (0, 9, 9), (0, 10, 10), (0, 11, 11), (1, 9, 10), (2, 5, 10), (0, 12, 12));
        Assert.Equal("9/1-8 1/9-10 0/11-11 0/12-12", Text(plan));
        Assert.Equal(12ul, plan.Txid);
        Assert.Equal(ReplicaFolder.Time(12), plan.Timestamp);
        Assert.Equal(plan.Files.Sum(file => file.Size), plan.Bytes);
    }

    [Fact]
    public void Overlaps_and_duplicates_in_a_level_and_across_levels_do_no_harm()
    {
        RestorePlan plan = Plan(null, (9, 1, 2), (9, 1, 2), (0, 3, 3), (1, 3, 3), (1, 2, 6), (1, 4, 8), (0, 8, 8), (2, 1, 7), (0, 9, 9));
        Assert.Equal("9/1-2 2/1-7 0/8-8 0/9-9", Text(plan));
    }

    [Fact]
    public void Target_is_met_exactly()
    {
        Assert.Equal("9/1-4 0/5-5 0/6-6", Text(Plan(6, (9, 1, 4), (9, 1, 8), (1, 5, 8), (0, 5, 5), (0, 6, 6), (0, 7, 7))));
        Assert.Equal("9/1-4", Text(Plan(4, (9, 1, 4), (9, 1, 8), (0, 5, 5))));
    }

    [Fact]
    public void File_that_begins_with_transaction_one_is_an_image_at_any_level()
    {
        Assert.Equal("1/1-5 0/6-6", Text(Plan(null, (0, 1, 1), (1, 1, 5), (0, 6, 6))));
    }

    [Fact]
    public void Gap_names_the_first_missing_transaction_and_the_last_good_point()
    {
        ReplicaGapException e = Assert.Throws<ReplicaGapException>(() => Plan(null, (9, 1, 4), (0, 5, 5), (0, 7, 7)));
        Assert.Equal(6ul, e.Txid);
        Assert.Contains("no file holds transaction 6", e.Message, StringComparison.Ordinal);
        Assert.Contains("last good point before it is transaction 5", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Target_within_a_merge_or_beyond_the_end_says_so()
    {
        ReplicaGapException within = Assert.Throws<ReplicaGapException>(() => Plan(6, (9, 1, 4), (1, 5, 8)));
        Assert.Contains("merged", within.Message, StringComparison.Ordinal);
        Assert.Contains("transaction 4", within.Message, StringComparison.Ordinal);
        ReplicaGapException beyond = Assert.Throws<ReplicaGapException>(() => Plan(9, (9, 1, 4), (1, 5, 8)));
        Assert.Contains("ends with transaction 8", beyond.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_begin_with_is_not_a_gap()
    {
        Assert.Throws<ReplicaNotFoundException>(() => Plan(null));
        Assert.Throws<ReplicaNotFoundException>(() => Plan(null, (0, 2, 2), (0, 3, 3)));
        ReplicaNotFoundException early = Assert.Throws<ReplicaNotFoundException>(() => Plan(3, (9, 1, 4), (0, 3, 3), (0, 5, 5)));
        Assert.Contains("transaction 4", early.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Full_image_in_level_0_is_used_when_nothing_else_leads_to_the_newest()
    {
        var replica = new ReplicaFolder(_temporary["replica"]);
        replica.Write(9, 1, 1, 2, (1, 1), (2, 1));
        replica.Write(0, 4, 4, 3, (1, 4), (2, 4), (3, 4)); // every page: 2 and 3 are not needed
        replica.Write(0, 5, 5, 3, (2, 5));
        RestorePlan plan = await DatabaseRestorer.PlanAsync(Options(replica), CancellationToken.None);
        Assert.Equal("0/4-4 0/5-5", Text(plan));

        replica.Write(0, 4, 4, 3, (1, 4), (3, 4));
        ReplicaGapException e = await Assert.ThrowsAsync<ReplicaGapException>(
            () => DatabaseRestorer.PlanAsync(Options(replica), CancellationToken.None));
        Assert.Equal(2ul, e.Txid);
    }

    [Fact]
    public async Task Replica_that_is_not_there_is_not_found()
    {
        var replica = new ReplicaFolder(_temporary["nothing"]);
        ReplicaNotFoundException e = await Assert.ThrowsAsync<ReplicaNotFoundException>(
            () => DatabaseRestorer.PlanAsync(Options(replica), CancellationToken.None));
        Assert.Contains(replica.Path, e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(replica.Path));
    }

    private RestoreOptions Options(ReplicaFolder replica) => new() { Source = ReplicaLocation.Parse(replica.Path), OutputPath = _temporary["out.db"] };

    private static RestorePlan Plan(ulong? target, params (int Level, ulong Min, ulong Max)[] files) => RestorePlanner.Plan(
        "replica",
        [.. files.Select(f => new ReplicaFile(f.Level, new LtxFileName(f.Min, f.Max), 100 + (long)(f.Max - f.Min), ReplicaFolder.Time(f.Max)))],
        target);

    private static string Text(RestorePlan plan) =>
        string.Join(' ', plan.Files.Select(file => $"{file.Level}/{file.Name.MinTxid}-{file.Name.MaxTxid}"));
}
