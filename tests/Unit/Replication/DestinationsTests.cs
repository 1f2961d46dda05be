using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Replication;

/// <summary>One database, several replicas: each gets everything, and none waits for another.</summary>
public sealed class DestinationsTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_destination_holds_the_database_and_says_so()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync(Both(folder));
        for (int i = 0; i < 20; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id % 3 = 0; INSERT INTO t(b) VALUES(1)");
        }

        await replicator.SyncAsync(CancellationToken.None);
        ReplicationStatus status = replicator.Status;
        Assert.Equal(ReplicationState.Streaming, status.State);
        Assert.Equal([folder.Replica, folder["second"]], status.Destinations.Select(place => place.Destination));
        Assert.All(status.Destinations, place => Assert.Equal((ReplicationState.Streaming, status.CapturedTxid, 1), (place.State, place.ReplicaTxid, place.BaseImages)));

        await EndAsync(folder, replicator, application);
        Assert.Empty(Directory.GetFiles(Path.Combine(folder.State, "ltx", "0")));
    }

    [Fact]
    public async Task One_that_is_away_holds_up_nothing_and_is_caught_up_from_what_is_staged()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync(Both(folder));
        await replicator.SyncAsync(CancellationToken.None);
        Directory.Move(folder["second"], folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => Second(replicator).State == ReplicationState.Retrying, () => replicator.Status);
        for (int i = 0; i < 5; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000); PRAGMA wal_checkpoint(TRUNCATE)");
        }

        await Until.HoldsAsync(() => replicator.Status.Destinations[0] is { ReplicaTxid: >= 3, LagBytes: 0, State: ReplicationState.Streaming }, () => replicator.Status);
        ReplicationStatus status = replicator.Status;
        Assert.Equal((ReplicationState.Retrying, "ReplicaUnreachable"), (status.State, status.LastErrorId));
        Assert.True(status.Lag > TimeSpan.Zero && status.LagBytes > 0 && status.ReplicaTxid < status.CapturedTxid);

        Directory.Move(folder["away"], folder["second"]);
        await replicator.SyncAsync(CancellationToken.None);
        Assert.Equal((1, 0), (Second(replicator).BaseImages, replicator.Status.Scans));
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task One_that_stays_away_is_let_go_when_staging_is_full_and_gets_a_full_image_later()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync(Both(folder) with { MaxStagingBytes = 100_000 });
        await replicator.SyncAsync(CancellationToken.None);
        Directory.Move(folder["second"], folder["away"]);
        for (int i = 0; i < 12; i++)
        {
            ulong before = replicator.Status.Destinations[0].ReplicaTxid;
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000)");
            await Until.HoldsAsync(() => replicator.Status.Destinations[0].ReplicaTxid > before, () => replicator.Status);
        }

        await Until.HoldsAsync(() => Second(replicator).LastErrorId == "ReplicaUnreachable", () => replicator.Status);
        Assert.Equal(ReplicationState.Streaming, replicator.Status.Destinations[0].State);

        Directory.Move(folder["away"], folder["second"]);
        await replicator.SyncAsync(CancellationToken.None);
        Assert.Equal((2, 1), (Second(replicator).BaseImages, replicator.Status.Destinations[0].BaseImages));
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task One_that_is_added_gets_a_full_image_and_the_first_goes_on_where_it_was()
    {
        await using ReplicationFolder folder = new();
        using (ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20))
        {
            await folder.OnceAsync();
        }

        ReplicationStatus status = await folder.OnceAsync(Both(folder));

        Assert.Equal([0, 1], status.Destinations.Select(place => place.BaseImages));
        Assert.Equal(await folder.EqualAsync(), await Images.EqualAsync(folder.Database, folder["second"]));
    }

    [Fact]
    public async Task One_that_missed_a_run_is_caught_up_from_staged_files_or_an_image()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        await folder.OnceAsync(Both(folder));
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        Directory.Move(folder["second"], folder["away"]);
        Replicator replicator = await folder.StartAsync(folder.Options);
        await application.ExecuteAsync("UPDATE t SET b=randomblob(4000)");
        await replicator.SyncAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);

        Directory.Move(folder["away"], folder["second"]);
        await folder.OnceAsync(Both(folder));

        application.Dispose();
        await BothEqualAsync(folder);
    }

    [Fact]
    public async Task A_replica_of_another_database_as_second_destination_is_refused_at_the_start()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        await folder.OnceAsync();
        using (Application other = new(folder["other.db"]))
        {
            other.Fill(5);
        }

        await folder.OnceAsync(folder.Options with { DatabasePath = folder["other.db"], Destinations = [ReplicaLocation.Parse(folder["second"])] });
        string[] before = Directory.GetFiles(folder["second"], "*.ltx", SearchOption.AllDirectories);
        ReplicaConflictException refused = await Assert.ThrowsAsync<ReplicaConflictException>(() => folder.StartAsync(Both(folder)));

        Assert.Contains(folder["second"], refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(folder["second"], "*.ltx", SearchOption.AllDirectories));
    }

    /// <summary>
    /// A power cut takes staged files that only one destination had received; while that one is away, capture goes on from before them.
    /// The two then hold different pages under the same transaction ids.
    /// </summary>
    [Fact]
    public async Task Transactions_that_only_one_destination_kept_are_never_mixed_with_others_of_the_same_number()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        await folder.OnceAsync(Both(folder));
        folder.CopyFolder(folder.State, folder["state"]);
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id=" + (i + 1));
            await folder.OnceAsync(folder.Options with { Destinations = [ReplicaLocation.Parse(folder["second"])] });
        }

        Directory.Delete(folder.State, recursive: true);
        folder.CopyFolder(folder["state"], folder.State);
        await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id=5");
        await folder.OnceAsync(folder.Options);
        ulong ahead = HeadOf(folder["second"]);
        Assert.True(HeadOf(folder.Replica) < ahead);

        Replicator replicator = await folder.StartAsync(Both(folder));
        await Until.HoldsAsync(() => Second(replicator).LastErrorId == "ReplicaConflict", () => replicator.Status);
        Assert.Equal((ahead, ReplicationState.Streaming), (HeadOf(folder["second"]), replicator.Status.Destinations[0].State));
        while (replicator.Status.CapturedTxid <= ahead)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id=7");
        }

        await replicator.SyncAsync(CancellationToken.None);
        Assert.Equal(1, Second(replicator).BaseImages);
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task A_destination_without_room_at_the_start_joins_when_it_has_some()
    {
        await using ReplicationFolder folder = new();
        using SmallDisk? disk = SmallDisk.TryMount(folder["disk"], 2048, output);
        if (disk is null)
        {
            return;
        }

        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        disk.Fill();
        string full = folder["disk", "replica"];
        Replicator replicator = await folder.StartAsync(folder.Options with
        {
            Destinations = [ReplicaLocation.Parse(full), ReplicaLocation.Parse(folder.Replica)],
        });
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status.Destinations[1] is { ReplicaTxid: > 1, LagBytes: 0 }, () => replicator.Status);
        Assert.Equal(ReplicationState.Retrying, replicator.Status.Destinations[0].State);
        Assert.Contains("is full", replicator.Status.LastError, StringComparison.Ordinal);

        disk.Free();
        await replicator.SyncAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);
        application.Dispose();
        Assert.Equal(await folder.EqualAsync(), await Images.EqualAsync(folder.Database, full));
        await replicator.DisposeAsync();
    }

    [Fact]
    public async Task Destinations_are_told_apart_before_anything_happens()
    {
        await using ReplicationFolder folder = new();
        Assert.Throws<ReplicaLocationException>(() => folder.Create(folder.Options with { Destinations = [] }));
        ReplicaLocationException twice = Assert.Throws<ReplicaLocationException>(() => folder.Create(folder.Options with
        {
            Destinations = [ReplicaLocation.Parse(folder.Replica), ReplicaLocation.Parse(folder.Replica)],
        }));
        Assert.Contains("given twice", twice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_destination_keeps_what_its_own_settings_say()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        MaintenanceOptions quick = new() { Levels = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5)], Level0Retention = TimeSpan.FromMinutes(1) };
        ReplicationOptions options = Both(folder) with
        {
            Maintenance = quick with { Level0Retention = TimeSpan.Zero }, // for none of them
            DestinationMaintenance = [quick, quick with { Level0Retention = TimeSpan.FromHours(20) }],
        };
        Replicator replicator = await folder.StartAsync(options, new HurryingClock(60));
        await replicator.SyncAsync(CancellationToken.None); // both have their images
        for (int i = 0; i < 4; i++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await replicator.SyncAsync(CancellationToken.None);
        }

        await Until.HoldsAsync(() => Captured(folder.Replica) == 1, () => replicator.Status);

        Assert.Equal(4, Captured(folder["second"]));
        await Until.HoldsAsync(() => Second(replicator).Captures == new RetentionCount(Eligible: 0, NotMerged: 0, TooRecent: 4), () => Second(replicator).Captures);
        await replicator.StopAsync(CancellationToken.None);
        application.Dispose();
        await Images.EqualAsync(folder.Database, folder["second"]);
        Assert.Throws<MaintenanceSettingException>(() => folder.Create(options with { DestinationMaintenance = [quick] }));

        static int Captured(string replica) => Directory.GetFiles(Path.Combine(replica, "ltx", "0")).Length;
    }

    private static ReplicationOptions Both(ReplicationFolder folder) => folder.Options with
    {
        Destinations = [ReplicaLocation.Parse(folder.Replica), ReplicaLocation.Parse(folder["second"])],
        MaxRetryInterval = TimeSpan.FromSeconds(1),
    };

    private static DestinationStatus Second(Replicator replicator) => replicator.Status.Destinations[1];

    private static ulong HeadOf(string replica) => Directory.EnumerateFiles(replica, "*.ltx", SearchOption.AllDirectories)
        .Max(path => LtxFileName.TryParse(Path.GetFileName(path), out LtxFileName name) ? name.MaxTxid : 0);

    private static async Task EndAsync(ReplicationFolder folder, Replicator replicator, ApplicationProcess application)
    {
        await replicator.StopAsync(CancellationToken.None);
        Assert.Equal(ReplicationState.Stopped, replicator.Status.State);
        application.Dispose();
        await BothEqualAsync(folder);
    }

    private static async Task BothEqualAsync(ReplicationFolder folder) =>
        Assert.Equal(await folder.EqualAsync(), await Images.EqualAsync(folder.Database, folder["second"]));
}
