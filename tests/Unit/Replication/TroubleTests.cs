using System.Diagnostics;
using Litestream.Diagnostics;
using Litestream.Replication;
using Litestream.Sqlite;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Replication;

/// <summary>What goes wrong while it streams: said in the status, and mended by itself once it can be.</summary>
public sealed class TroubleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_replica_folder_that_was_away_is_caught_up_when_it_is_back()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        Directory.Move(folder.Replica, folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Retrying, () => replicator.Status);
        Assert.Contains("is not there", replicator.Status.LastError, StringComparison.Ordinal);
        Assert.Equal("ReplicaUnreachable", replicator.Status.LastErrorId);
        Assert.False(Directory.Exists(folder.Replica));
        await Until.HoldsAsync(() => replicator.Status.Lag > TimeSpan.Zero && replicator.Status.LagBytes > 0, () => replicator.Status);

        Directory.Move(folder["away"], folder.Replica);
        await replicator.SyncAsync(CancellationToken.None);

        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Streaming, () => replicator.Status);
        Assert.Equal((0, 0L, TimeSpan.Zero), (replicator.Status.Scans, replicator.Status.LagBytes, replicator.Status.Lag));
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task Another_replica_in_the_place_of_ours_is_not_written_to()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        Directory.Move(folder.Replica, folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Retrying, () => replicator.Status);
        Directory.CreateDirectory(folder["replica", "ltx", "0"]);

        await replicator.Completion.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal((ReplicationState.Faulted, "ReplicaConflict"), (replicator.Status.State, replicator.Status.LastErrorId));
        Assert.Empty(folder.ReplicaFiles());
        ReplicationEndedException ended = await Assert.ThrowsAsync<ReplicationEndedException>(() => replicator.SyncAsync(CancellationToken.None));
        Assert.Contains("does not end with transaction 1", ended.Message, StringComparison.Ordinal);
        Directory.Delete(folder.Replica, recursive: true);
        Directory.Move(folder["away"], folder.Replica);
        await folder.OnceAsync();
        application.Dispose();
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task A_full_disk_under_the_replica_is_said_and_passes_when_there_is_room()
    {
        await using ReplicationFolder folder = new();
        using SmallDisk? disk = SmallDisk.TryMount(folder["disk"], 2048, output);
        if (disk is null)
        {
            return;
        }

        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        string replica = folder["disk", "replica"];
        Replicator replicator = await folder.StartAsync(folder.Options with { Destinations = [ReplicaLocation.Parse(replica)] });
        disk.Fill();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(50000))");
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Retrying, () => replicator.Status);
        Assert.Contains($"The disk of the replica folder '{replica}' is full", replicator.Status.LastError, StringComparison.Ordinal);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await Until.HoldsAsync(() => replicator.Status.CapturedTxid == 3, () => replicator.Status);
        Assert.Equal(1ul, replicator.Status.ReplicaTxid);

        disk.Free();
        await replicator.SyncAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);
        application.Dispose();
        Assert.Equal(3ul, await Images.EqualAsync(folder.Database, replica));
        await replicator.DisposeAsync();
    }

    [Fact]
    public async Task A_full_disk_under_the_local_state_stops_capture_and_loses_nothing()
    {
        await using ReplicationFolder folder = new();
        using SmallDisk? disk = SmallDisk.TryMount(folder.State, 1024, output);
        if (disk is null)
        {
            return;
        }

        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        using MetricReader metrics = new();
        Assert.Equal(0, DiskFull(metrics, folder));
        disk.Fill();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(50000))");
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Retrying, () => replicator.Status);
        Assert.Equal("LocalStateUnusable", replicator.Status.LastErrorId);
        Assert.Contains("Make room", replicator.Status.LastError, StringComparison.Ordinal);
        Assert.Contains(folder.State, replicator.Status.LastError, StringComparison.Ordinal);
        Assert.Equal(1, DiskFull(metrics, folder));
        await application.ExecuteAsync("PRAGMA busy_timeout=0");
        for (int i = 0; i < 20; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000); PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(b) VALUES(1)");
        }

        Assert.Equal(1ul, replicator.Status.CapturedTxid);
        disk.Free();
        await replicator.SyncAsync(CancellationToken.None);

        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Streaming, () => replicator.Status);
        Assert.Equal(0, replicator.Status.Scans);
        Assert.Equal(0, DiskFull(metrics, folder));
        await EndAsync(folder, replicator, application);
    }

    private static double DiskFull(MetricReader metrics, ReplicationFolder folder) => metrics.Read()
        .Single(sample => sample.Name == "litestream_disk_full" && sample.Labels.Any(label => label.Value == folder.Database)).Value;

    [Fact]
    public async Task Full_staging_is_said_the_WAL_holds_what_is_more_and_it_passes()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync(folder.Options with { MaxStagingBytes = 100_000, CheckpointBytes = 100_000 });
        Directory.Move(folder.Replica, folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(200000))");
        await Until.HoldsAsync(() => replicator.Status.LagBytes > 100_000, () => replicator.Status);
        await application.ExecuteAsync("PRAGMA busy_timeout=0; INSERT INTO t(b) VALUES(1)");
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)"); // the first may slip into the checkpoint that follows a capture
        await Until.HoldsAsync(
            () => replicator.Status.Detail?.StartsWith("staging is full", StringComparison.Ordinal) == true, () => replicator.Status);
        Assert.Equal(ReplicationState.Retrying, replicator.Status.State);
        ulong captured = replicator.Status.CapturedTxid;
        for (int i = 0; i < 30; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id < 21; PRAGMA wal_checkpoint(TRUNCATE)");
        }

        Assert.Equal(captured, replicator.Status.CapturedTxid);
        Assert.True(new FileInfo(folder.Database + "-wal").Length > 30 * 20 * 4096, "The WAL was reset under what is not captured.");

        Directory.Move(folder["away"], folder.Replica);
        await replicator.SyncAsync(CancellationToken.None);
        await Until.HoldsAsync(() => replicator.Status is { State: ReplicationState.Streaming, Detail: null }, () => replicator.Status);
        Assert.Equal(0, replicator.Status.Scans);
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task A_database_that_was_replaced_is_noticed_and_its_difference_sent()
    {
        await using ReplicationFolder folder = new();
        foreach (string path in (string[])[folder.Database, folder["other.db"]])
        {
            using Application application = new(path);
            application.Fill(20);
        }

        Replicator replicator = await folder.StartAsync();
        File.Delete(folder.Database + "-wal");
        File.Delete(folder.Database + "-shm");
        File.Move(folder["other.db"], folder.Database, overwrite: true);

        await Until.HoldsAsync(() => replicator.Status is { ReplicaTxid: > 1, State: ReplicationState.Streaming }, () => replicator.Status);
        Assert.Equal("DatabaseReplaced", replicator.Status.LastErrorId);
        Assert.Equal(1, replicator.Status.BaseImages);
        await replicator.StopAsync(CancellationToken.None);
        await folder.EqualAsync();
    }

    [Fact]
    public async Task A_database_that_was_deleted_is_waited_for_and_goes_on_when_it_is_back()
    {
        await using ReplicationFolder folder = new();
        using (Application application = new(folder.Database))
        {
            application.Fill(20);
        }

        Replicator replicator = await folder.StartAsync();
        File.Move(folder.Database, folder["away.db"]);
        File.Delete(folder.Database + "-wal");
        File.Delete(folder.Database + "-shm");
        await Until.HoldsAsync(() => replicator.Status.LastErrorId == "DatabaseNotFound", () => replicator.Status);
        Assert.Equal(1ul, replicator.Status.ReplicaTxid);

        File.Move(folder["away.db"], folder.Database);
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Streaming, () => replicator.Status);
        using (ApplicationProcess application = await ApplicationProcess.OpenAsync(folder.Database))
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        }

        await replicator.SyncAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);
        Assert.Equal(1, replicator.Status.BaseImages);
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task Staged_files_that_somebody_deleted_are_captured_again()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        Directory.Move(folder.Replica, folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status is { CapturedTxid: 2, State: ReplicationState.Retrying }, () => replicator.Status);
        foreach (string staged in Directory.EnumerateFiles(Path.Combine(folder.State, "ltx", "0")))
        {
            File.Delete(staged);
        }

        Directory.Move(folder["away"], folder.Replica);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await Until.HoldsAsync(() => replicator.Status is { State: ReplicationState.Streaming, ReplicaTxid: > 1 }, () => replicator.Status);
        await EndAsync(folder, replicator, application);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("-shm", false)] // the next leap takes them anew; what was lost meanwhile shows in the commit counter
    public async Task Locks_that_something_here_dropped_cost_no_page(string touched, bool noticed)
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/proc/locks"))
        {
            output.WriteLine("Not tried: /proc/locks, which shows locks, is absent.");
            return;
        }

        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        using ReplicatorProcess replicator = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);
        await replicator.TouchAsync(folder.Database + touched);
        for (int i = 0; i < 10; i++)
        {
            await application.ExecuteAsync("PRAGMA busy_timeout=0; UPDATE t SET b=randomblob(4000); PRAGMA wal_checkpoint(TRUNCATE)");
        }

        ReplicationStatus status = await replicator.SyncAsync();
        for (long begin = Stopwatch.GetTimestamp(); noticed && status.LastErrorId is null && Stopwatch.GetElapsedTime(begin).TotalSeconds < 20;)
        {
            status = await replicator.SyncAsync();
        }

        Assert.True(!noticed || status.LastErrorId == "DatabaseReplaced", $"{status}");
        await replicator.StopAsync();
        application.Dispose();
        replicator.Dispose();
        await folder.EqualAsync();
    }

    [Theory]
    [InlineData("a text", "NotADatabase")]
    [InlineData("a folder", "NotADatabase")]
    [InlineData("", "DatabaseNotFound")]
    [InlineData(null, "DatabaseNotFound")]
    public async Task What_is_no_database_is_an_error_at_once_and_left_as_it_is(string? content, string errorId)
    {
        await using ReplicationFolder folder = new();
        if (content == "a folder")
        {
            Directory.CreateDirectory(folder.Database);
        }
        else if (content is not null)
        {
            await File.WriteAllTextAsync(folder.Database, string.Concat(Enumerable.Repeat(content, 200)));
        }

        Replicator replicator = folder.Create();
        LitestreamException error = await Assert.ThrowsAnyAsync<LitestreamException>(() => replicator.StartAsync(CancellationToken.None));

        Assert.Equal((errorId, folder.Database), (error.ErrorId, error.Database));
        Assert.Equal((ReplicationState.Faulted, errorId), (replicator.Status.State, replicator.Status.LastErrorId));
        Assert.Equal(content is not (null or "a folder"), File.Exists(folder.Database));
        Assert.True(!File.Exists(folder.Database) || new FileInfo(folder.Database).Length == content!.Length * 200);
        Assert.False(File.Exists(folder.Database + "-wal"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_is_not_there_yet_is_waited_for_if_asked_to(bool empty)
    {
        await using ReplicationFolder folder = new();
        if (empty)
        {
            await File.WriteAllBytesAsync(folder.Database, []);
        }

        Replicator replicator = folder.Create(folder.Options with { WaitForDatabase = true });
        Task starting = replicator.StartAsync(CancellationToken.None);
        await Until.HoldsAsync(() => replicator.Status.LastErrorId == "DatabaseNotFound", () => replicator.Status);
        Assert.Equal(ReplicationState.Starting, replicator.Status.State);
        Assert.False(starting.IsCompleted);

        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        await starting.WaitAsync(TimeSpan.FromSeconds(30));
        await EndAsync(folder, replicator, application);
    }

    [Fact]
    public async Task A_database_that_another_program_holds_exclusively_is_an_error_that_says_so()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5, "PRAGMA locking_mode=exclusive; PRAGMA journal_mode=wal");

        await Assert.ThrowsAsync<DatabaseLockedException>(() => folder.StartAsync(folder.Options with { BusyTimeout = TimeSpan.FromMilliseconds(50) }));
        await application.KillAsync();
        await folder.OnceAsync();
        await folder.EqualAsync();
    }

    private static async Task EndAsync(ReplicationFolder folder, Replicator replicator, ApplicationProcess application)
    {
        await replicator.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(ReplicationState.Stopped, replicator.Status.State);
        application.Dispose();
        Assert.Equal(replicator.Status.ReplicaTxid, await folder.EqualAsync());
        await replicator.DisposeAsync();
    }
}
