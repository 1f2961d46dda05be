using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Storage;
using Litestream.Tests.Unit.Restoration;

namespace Litestream.Tests.Unit.Maintenance;

public sealed class RetentionTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_capture_stays_while_no_merge_covers_it()
    {
        var catalogue = new ReplicaCatalogue([File(0, 2, 2), File(0, 3, 3), File(0, 4, 4), File(0, 5, 5), File(1, 2, 2), File(1, 4, 4)]);
        var covered = Retention.Covered(catalogue, new MaintenanceOptions(), ReplicaFolder.Time(10_000));
        Assert.Equal(["2-2", "4-4"], covered.Select(pair => $"{pair.Capture.Name.MinTxid}-{pair.Capture.Name.MaxTxid}"));
    }

    [Fact]
    public void Captures_are_counted_by_what_they_wait_for()
    {
        var catalogue = new ReplicaCatalogue([File(0, 2, 2), File(0, 3, 3), File(0, 60, 60), File(0, 61, 61), File(1, 2, 3), File(1, 60, 60)]);
        var options = new MaintenanceOptions { Level0Retention = TimeSpan.FromSeconds(50) };
        Assert.Equal(new RetentionCount(Eligible: 2, NotMerged: 1, TooRecent: 1), RetentionCount.Of(catalogue, options, ReplicaFolder.Time(60)));
    }

    [Fact]
    public void The_captures_of_a_merge_stay_until_its_last_one_has_expired()
    {
        var catalogue = new ReplicaCatalogue([File(0, 2, 2), File(0, 90, 90), File(0, 91, 91), File(1, 2, 90)]);
        var options = new MaintenanceOptions { Level0Retention = TimeSpan.FromSeconds(50) };
        Assert.Empty(Retention.Covered(catalogue, options, ReplicaFolder.Time(139)));
        Assert.Equal(2, Retention.Covered(catalogue, options, ReplicaFolder.Time(140)).Count);
    }

    [Fact]
    public void Before_an_image_is_old_enough_nothing_is_below_the_floor()
    {
        // As Litestream leaves it: the base stands in level 1 alone, and our first image is new.
        var catalogue = new ReplicaCatalogue([File(1, 1, 20), File(0, 21, 21), File(0, 22, 22), File(9, 1, 22)]);
        var options = new MaintenanceOptions { SnapshotRetention = TimeSpan.FromHours(24) };
        Assert.Null(Retention.Floor(catalogue, options, ReplicaFolder.Time(22 + 86_399)));
        Assert.NotNull(Retention.Floor(catalogue, options, ReplicaFolder.Time(22 + 86_400)));
    }

    [Fact]
    public void Images_below_the_floor_go_before_what_leads_on_from_them()
    {
        // An old image with its chain cut off would still be offered, as the state of every time up to the floor.
        ReplicaFile floor = File(9, 1, 4);
        var catalogue = new ReplicaCatalogue([File(9, 1, 1), File(9, 1, 2), floor, File(1, 2, 3), File(1, 4, 4), File(1, 5, 5), File(0, 2, 2), File(0, 3, 3), File(0, 5, 5)]);
        Assert.Equal(
            ["9/1-1", "9/1-2", "1/2-3", "1/4-4", "0/2-2", "0/3-3"],
            Retention.BelowFloor(catalogue, floor).Select(file => $"{file.Level}/{file.Name.MinTxid}-{file.Name.MaxTxid}"));
    }

    [Fact]
    public async Task A_replica_without_an_image_gets_one()
    {
        await using IReplicaStore store = ReplicaLocation.Parse(_temporary["replica"]).Open();
        var clock = new ManualClock(ReplicaFolder.Time(100));
        Assert.True(new MaintenanceSchedule(store, new ReplicaCatalogue([File(0, 1, 1), File(0, 2, 2)]), new MaintenanceOptions(), clock).IsImageDue);
        Assert.False(new MaintenanceSchedule(store, new ReplicaCatalogue([]), new MaintenanceOptions(), clock).IsImageDue);
    }

    [Fact]
    public async Task Nothing_is_deleted_because_of_a_file_that_is_damaged()
    {
        var replica = new ReplicaFolder(_temporary["replica"]);
        replica.Write(9, 1, 1, 1, (1, 1));
        replica.Write(0, 2, 2, 1, (1, 2));
        replica.Write(0, 3, 3, 1, (1, 3));
        replica.Write(0, 4, 4, 1, (1, 4));
        Spoil(replica, 1, 2, 3, replica.Write(1, 2, 3, 1, (1, 3)));
        Spoil(replica, 9, 1, 3, replica.Write(9, 1, 3, 1, (1, 3)));
        await using IReplicaStore store = ReplicaLocation.Parse(replica.Path).Open();
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, CancellationToken.None);
        var schedule = new MaintenanceSchedule(store, new ReplicaCatalogue(files), new MaintenanceOptions(), new ManualClock(ReplicaFolder.Time(1_000_000)));

        LtxFormatException image = await Assert.ThrowsAsync<LtxFormatException>(() => schedule.DeleteExpiredAsync(CancellationToken.None));
        Assert.StartsWith("9/", image.File, StringComparison.Ordinal);
        LtxFormatException merge = await Assert.ThrowsAsync<LtxFormatException>(() => schedule.DeleteExpiredAsync(CancellationToken.None));
        Assert.StartsWith("1/", merge.File, StringComparison.Ordinal);
        await schedule.DeleteExpiredAsync(CancellationToken.None);
        Assert.Equal(files, await ReplicaListing.ReadAsync(store, CancellationToken.None));
    }

    [Fact]
    public async Task What_is_deleted_though_the_answer_was_lost_is_not_looked_for_again()
    {
        var replica = new ReplicaFolder(_temporary["replica"]);
        replica.Write(9, 1, 1, 1, (1, 1));
        replica.Write(9, 1, 2, 1, (1, 2));
        replica.Write(0, 3, 3, 1, (1, 3));
        await using var store = new WatchedStore(ReplicaLocation.Parse(replica.Path).Open());
        var catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(store, CancellationToken.None));
        var schedule = new MaintenanceSchedule(store, catalogue, new MaintenanceOptions(), new ManualClock(ReplicaFolder.Time(1_000_000)));
        store.FailAfter = 0;
        await Assert.ThrowsAsync<ReplicaUnreachableException>(() => schedule.DeleteExpiredAsync(CancellationToken.None));
        Assert.Equal(2, catalogue.Level(9).Count);

        await schedule.MergeAsync(CancellationToken.None);

        Assert.Equal(2ul, Assert.Single(catalogue.Level(9)).Name.MaxTxid);
    }

    [Theory]
    [InlineData("no levels")]
    [InlineData("nine levels")]
    [InlineData("levels that do not grow")]
    [InlineData("a level of no time")]
    [InlineData("images as often as the last level")]
    [InlineData("images kept shorter than their interval")]
    [InlineData("captures kept a negative time")]
    [InlineData("captures kept longer than images")]
    public async Task Settings_that_contradict_each_other_are_refused(string what)
    {
        var good = new MaintenanceOptions();
        MaintenanceOptions bad = what switch
        {
            "no levels" => good with { Levels = [] },
            "nine levels" => good with { Levels = [.. Enumerable.Range(1, 9).Select(n => TimeSpan.FromMinutes(n))] },
            "levels that do not grow" => good with { Levels = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)] },
            "a level of no time" => good with { Levels = [TimeSpan.Zero] },
            "images as often as the last level" => good with { SnapshotInterval = TimeSpan.FromHours(1) },
            "images kept shorter than their interval" => good with { SnapshotRetention = TimeSpan.FromHours(23) },
            "captures kept a negative time" => good with { Level0Retention = TimeSpan.FromTicks(-1) },
            _ => good with { Level0Retention = TimeSpan.FromHours(25) },
        };
        good.Validate();
        MaintenanceSettingException e = Assert.Throws<MaintenanceSettingException>(bad.Validate);
        Assert.Equal("MaintenanceSettingInvalid", e.ErrorId);
        await using IReplicaStore store = ReplicaLocation.Parse(_temporary["replica"]).Open();
        Assert.Throws<MaintenanceSettingException>(() => new MaintenanceSchedule(store, new ReplicaCatalogue([]), bad, TimeProvider.System));
        Assert.Throws<MaintenanceSettingException>(() => new Litestream.Replication.Replicator(
            new Litestream.Replication.ReplicationOptions { DatabasePath = _temporary["a.db"], Destinations = [ReplicaLocation.Parse(_temporary["replica"])], Maintenance = bad }));
    }

    private static ReplicaFile File(int level, ulong min, ulong max) => new(level, new LtxFileName(min, max), 100, ReplicaFolder.Time(max));

    private static void Spoil(ReplicaFolder replica, int level, ulong min, ulong max, string path)
    {
        byte[] content = System.IO.File.ReadAllBytes(path);
        content[^1] ^= 1;
        replica.Put(level, min, max, content);
    }
}
