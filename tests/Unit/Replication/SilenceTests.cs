using Litestream.Replication;
using Litestream.Sqlite;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>
/// Databases that nobody writes to. Where it matters who found a commit, looks and chores are an hour apart: what comes sooner was told by a watch.
/// </summary>
public sealed class SilenceTests : IDisposable
{
    private const uint MoveSelf = 0x800; // of inotify.h: something that does not happen here, as on file systems that tell of nothing

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongSilence = TimeSpan.FromMilliseconds(250);

    private readonly TemporaryFolder _temporary = new();
    private readonly string _database;

    public SilenceTests()
    {
        _database = _temporary["a.db"];
        using Application application = new(_database);
        application.Fill(3);
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task The_first_write_after_a_silence_wakes_the_loop_each_time()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // looks alone
        }

        CaptureScheduler scheduler = new(() => WalWatch.Open());
        await using Running running = await StartAsync(scheduler, Hour, Hour);
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(_database);
        for (ulong txid = 2; txid < 5; txid++)
        {
            await Until.HoldsAsync(() => scheduler.Watched == 1 && running.Loop.Rest > Hour / 2);
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await running.CapturedAsync(txid);
        }
    }

    [Fact]
    public async Task Without_watches_it_is_looked_at_as_often_as_ever()
    {
        CaptureScheduler scheduler = new(WalWatch.WithoutWatches);
        await using Running running = await StartAsync(scheduler, LongSilence, Hour);
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(_database);
        for (ulong txid = 2; txid < 4; txid++)
        {
            await Until.HoldsAsync(() => running.Loop.Pause >= LongSilence);
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await running.CapturedAsync(txid);
        }

        Assert.Equal(0, scheduler.Watched);
    }

    [Fact]
    public async Task A_watch_that_does_not_tell_of_a_commit_is_not_believed_again()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // looks alone
        }

        // The look that goes with the chores finds what the watch has missed.
        CaptureScheduler scheduler = new(() => WalWatch.Open(MoveSelf));
        await using Running running = await StartAsync(scheduler, LongSilence, TimeSpan.FromSeconds(1));
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(_database);
        await Until.HoldsAsync(() => scheduler.Watched == 1);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await running.CapturedAsync(2);

        await Until.HoldsAsync(() => scheduler.Watched == 0 && running.Loop.Pause >= LongSilence);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await running.CapturedAsync(3);
        await Until.HoldsAsync(() => running.Loop.Pause >= LongSilence);
        Assert.Equal(0, scheduler.Watched);
    }

    [Fact]
    public async Task Frames_that_are_not_committed_yet_are_looked_at_until_they_are()
    {
        CaptureScheduler scheduler = new(() => WalWatch.Open());
        await using Running running = await StartAsync(scheduler, LongSilence, Hour);
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(_database, "PRAGMA cache_size=10");
        await Until.HoldsAsync(() => running.Loop.Rest > Hour / 2);
        await application.ExecuteAsync("BEGIN; WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t(b) SELECT randomblob(4000) FROM n");

        // The write that commits them may be done long before it counts, so that it does not come is no sign.
        await Until.HoldsAsync(() => running.Loop.Rest is null && running.Loop.Pause >= LongSilence);
        Assert.Equal(0, scheduler.Watched);
        Assert.Equal(1ul, running.Rig.Session.Captured.Txid);
        await application.ExecuteAsync("COMMIT");
        await running.CapturedAsync(2);
    }

    [Fact]
    public async Task A_WAL_that_is_deleted_under_its_watch_ends_the_session_as_ever()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // which deletes no file that is open
        }

        CaptureScheduler scheduler = new(() => WalWatch.Open());
        await using Running running = await StartAsync(scheduler, LongSilence, TimeSpan.FromSeconds(1));
        await Until.HoldsAsync(() => scheduler.Watched == (OperatingSystem.IsLinux() ? 1 : 0) && running.Loop.Pause >= LongSilence / 2);
        File.Delete(_database + "-wal");

        await Assert.ThrowsAsync<DatabaseReplacedException>(() => running.Loop.Ended.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task The_looking_thread_and_its_watches_end_with_the_last_loop_and_come_back_with_the_next()
    {
        List<WalWatch> opened = [];
        CaptureScheduler scheduler = new(() =>
        {
            opened.Add(WalWatch.Open());
            return opened[^1];
        });
        for (int session = 1; session < 3; session++)
        {
            string database = _temporary[$"{session}.db"];
            File.Copy(_database, database);
            await using (Running running = await StartAsync(scheduler, LongSilence, Hour, database))
            {
                await Until.HoldsAsync(() => scheduler.Watched == (OperatingSystem.IsLinux() ? 1 : 0));
                Assert.True(scheduler.IsLooking);
            }

            await Until.HoldsAsync(() => !scheduler.IsLooking);
            Assert.Equal((session, 0, 0), (opened.Count, scheduler.Watched, scheduler.Count));
            Assert.True(opened[^1].IsClosed);
        }
    }

    private async Task<Running> StartAsync(CaptureScheduler scheduler, TimeSpan longestPause, TimeSpan chores, string? database = null)
    {
        string path = database ?? _database;
        CaptureRig rig = await CaptureRig.StartAsync(path, path + "-replica");
        ReplicationOptions options = new()
        {
            DatabasePath = path,
            Destinations = [Litestream.Storage.ReplicaLocation.Parse(path + "-replica")],
            IdleInterval = longestPause,
            IntactInterval = chores,
        };
        return new Running(rig, new CaptureLoop(rig.Session, rig.Staging, [], rig.Board, options, TimeProvider.System, scheduler));
    }

    private sealed class Running : IAsyncDisposable
    {
        public Running(CaptureRig rig, CaptureLoop loop)
        {
            (Rig, Loop) = (rig, loop);
            loop.Start();
        }

        public CaptureRig Rig { get; }

        public CaptureLoop Loop { get; }

        public Task CapturedAsync(ulong txid) => Until.HoldsAsync(() => Rig.Board.Own.CapturedTxid == txid, () => Rig.Board.Own.CapturedTxid);

        public async ValueTask DisposeAsync()
        {
            await ((Task)Loop.StopAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Loop.Dispose();
            await Rig.DisposeAsync();
        }
    }
}
