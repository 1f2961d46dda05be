using Litestream.Ltx;
using Litestream.Replication;
using Litestream.State;
using Litestream.Tests.Unit.Sqlite;
using Xunit.Abstractions;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Replication;

/// <summary>One capture after another, with a database that does in between what the test says.</summary>
public sealed class CaptureTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("VACUUM")]
    [InlineData("DELETE FROM t WHERE id > 5; PRAGMA incremental_vacuum")]
    [InlineData("DELETE FROM t; PRAGMA incremental_vacuum; INSERT INTO t(b) SELECT randomblob(4000) FROM n")]
    [InlineData("BEGIN; DELETE FROM t; INSERT INTO t(b) SELECT randomblob(4000) FROM n; DELETE FROM t WHERE id % 2; COMMIT")]
    [InlineData("DELETE FROM t WHERE id % 3 = 0; PRAGMA incremental_vacuum(3); INSERT INTO t(b) SELECT randomblob(90) FROM n; PRAGMA incremental_vacuum; VACUUM")]
    [InlineData("INSERT INTO t(b) SELECT randomblob(9000) FROM n; DELETE FROM t WHERE id > 30; PRAGMA incremental_vacuum; INSERT INTO t(b) SELECT zeroblob(5000) FROM n")]
    public async Task Whatever_several_commits_in_one_window_do_to_the_size_the_file_leads_there(string work)
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 1024, "PRAGMA auto_vacuum=incremental;");
        application.Execute("CREATE TABLE n(i); WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 40) INSERT INTO n SELECT i FROM c");
        application.Fill(30);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        for (int round = 0; round < 3; round++)
        {
            application.Execute(work);
            rig.Session.Capture();
            Assert.False(rig.Session.Capture());
            rig.Session.MakeDurable();
            rig.Session.Pins.Checkpoint();
        }

        Assert.NotEqual(1ul, rig.Session.Captured.Txid);
        Assert.Equal(0, rig.Board.Status.Scans);
        await rig.UploadAsync();
        await rig.DisposeAsync();
        application.Dispose();
        await folder.EqualAsync();
    }

    [Fact]
    public async Task Pages_that_a_commit_grows_by_and_does_not_write_are_in_the_file_all_the_same()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await folder.OnceAsync();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await application.KillAsync();

        // As if that commit had grown the database by 9 pages that it never wrote.
        string path = folder.Database + "-wal";
        WalSpecimen specimen = WalSpecimen.Of(await File.ReadAllBytesAsync(path));
        uint pages = specimen.End.PageCount + 9;
        await File.WriteAllBytesAsync(path, specimen.WithLastCommit(pages).Bytes);

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((0, 0, 1L), (status.Scans, status.BaseImages, status.FilesUploaded));
        Assert.Equal(2ul, await folder.EqualAsync()); // the model holds the file to having all 9
        Assert.Equal(pages * 4096L, new FileInfo(folder.Database).Length);
    }

    [Fact]
    public async Task A_head_record_that_the_disk_refuses_makes_no_gap_in_the_replica()
    {
        if (!File.Exists("/dev/full"))
        {
            output.WriteLine("Not tried: /dev/full, a disk that refuses every write, is absent.");
            return;
        }

        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica, head: "/dev/full");
        application.Commit();
        Assert.Throws<LocalStateException>(() => rig.Session.Capture());
        application.Commit();
        Assert.Throws<LocalStateException>(() => rig.Session.Capture());

        await rig.UploadAsync();
        await rig.DisposeAsync();
        application.Dispose();
        Assert.Equal(3ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task A_clock_that_is_set_back_does_not_set_the_transactions_back()
    {
        await using ReplicationFolder folder = new();
        var clock = new SetClock { Now = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero) };
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        Replicator first = await folder.StartAsync(time: clock);
        foreach (int minutes in (int[])[-60, 30, -10])
        {
            clock.Now += TimeSpan.FromMinutes(minutes);
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await first.SyncAsync(CancellationToken.None);
        }

        await first.StopAsync(CancellationToken.None);
        clock.Now -= TimeSpan.FromDays(1);
        Replicator second = await folder.StartAsync(time: clock);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await second.StopAsync(CancellationToken.None);

        application.Dispose();
        Assert.Equal(5ul, await folder.EqualAsync()); // the model holds the files to ascending times
    }

    [Fact]
    public async Task While_nothing_happens_nothing_is_allocated_and_no_file_made()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        application.Commit();
        Assert.True(rig.Session.HasNews());
        Assert.True(rig.Session.Capture());
        Assert.False(rig.Session.HasNews());
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool news = false;
        for (int i = 0; i < 1000; i++)
        {
            news |= rig.Session.HasNews();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.False(news);
        application.Commit();
        Assert.True(rig.Session.HasNews());
        application.Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
        Assert.True(rig.Session.Capture());
        Assert.Equal(3ul, rig.Session.Captured.Txid);
    }

    [Fact]
    public async Task A_reset_is_news_only_with_its_first_commit()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        rig.Session.Pins.Checkpoint();
        Assert.False(rig.Session.Capture());
        application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        Assert.False(rig.Session.HasNews());
        Assert.False(rig.Session.Capture());
        Assert.False(rig.Session.HasNews());
        application.Commit();
        Assert.True(rig.Session.HasNews());
        Assert.True(rig.Session.Capture());
        Assert.Equal(0, rig.Board.Status.Scans);
    }

    [Theory]
    [InlineData(SQLITE_CHECKPOINT_RESTART)]
    [InlineData(SQLITE_CHECKPOINT_TRUNCATE)]
    public async Task A_reset_of_a_WAL_that_never_had_a_frame_is_no_news_and_what_follows_is_proven(int mode)
    {
        await using ReplicationFolder folder = new();
        using (Application before = Application.WithPages(folder.Database, 4096))
        {
            before.Fill(5);
        }

        using Application application = new(folder.Database, "PRAGMA wal_autocheckpoint=0");
        Assert.False(application.Checkpoint(mode).Busy);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        Assert.False(application.Checkpoint(mode).Busy);
        Assert.False(rig.Session.Capture());
        application.Commit();
        Assert.True(rig.Session.Capture());
        Assert.Equal((0, 2ul), (rig.Board.Status.Scans, rig.Session.Captured.Txid));
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Fact]
    public async Task A_rolled_back_transaction_that_spilled_keeps_nobody_awake()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 200);
        Replicator replicator = await folder.StartAsync();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await replicator.SyncAsync(CancellationToken.None);
        await application.ExecuteAsync("PRAGMA cache_size=5; BEGIN; UPDATE t SET b=randomblob(4000); ROLLBACK");
        long wal = new FileInfo(folder.Database + "-wal").Length;

        // Awake, it would take the tail for news for ever and never find the peace to copy frames.
        await Until.HoldsAsync(() => IsCopied(folder.Database));
        Assert.True(wal > 200 * 4096);
        await replicator.StopAsync(CancellationToken.None);
        application.Dispose();
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task What_is_captured_is_durable_before_a_checkpoint_and_goes_when_replica_and_table_have_it()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        for (int i = 0; i < 3; i++)
        {
            application.Commit();
            Assert.True(rig.Session.Capture());
        }

        var local = new LocalStateFolder(folder.Database);
        Assert.Equal(3, local.ListStaged().Count);
        rig.Session.SaveTable();
        Assert.Equal(3, local.ListStaged().Count);
        await rig.UploadAsync();
        Assert.Equal(3, local.ListStaged().Count);
        rig.Session.SaveTable();
        Assert.Empty(local.ListStaged());
        Assert.Equal(0, rig.Session.UnsavedChecksums);
        using PageChecksumTable table = PageChecksumTable.TryOpen(local.TablePath)!;
        Assert.Equal((4ul, rig.Session.Captured.FileChecksum), (table.Txid, table.FileChecksum));
    }

    [Fact]
    public async Task A_lock_page_is_left_out_and_pages_on_both_sides_arrive_in_bounded_memory()
    {
        await using ReplicationFolder folder = new();
        const int pageSize = 65536;
        uint lockPage = LockPage.Number(pageSize);
        MakeSparse(folder.Database, pageSize, pages: lockPage - 1);
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(folder.Database);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(200000))");
        Assert.True(await application.QueryAsync("PRAGMA page_count") > lockPage);
        using ReplicatorProcess replicator = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);
        long peak = await replicator.PeakMemoryAsync();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(300000)); UPDATE t SET b=randomblob(200000) WHERE id=1");
        ReplicationStatus status = await replicator.StopAsync();
        Assert.Equal((1, 0), (status.BaseImages, status.Scans));
        Assert.True(peak < 400L << 20, $"{peak} bytes of memory for a database of 1 GiB.");
        replicator.Dispose();
        application.Dispose();

        string copy = folder["copy.db"];
        using (Application checkpoint = new(folder.Database, "SELECT count(*) FROM sqlite_schema"))
        {
            Assert.False(checkpoint.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE).Busy);
        }

        await ReplicaModel.ApplyAsync(folder.Replica, copy);
        Images.Equal(folder.Database, copy);
        using (Application restored = new(copy, "PRAGMA busy_timeout=0"))
        {
            Assert.Equal(500000, restored.Query("SELECT sum(length(b)) FROM t"));
        }
    }

    [Fact]
    public async Task Sync_stop_and_dispose_keep_their_word()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        Replicator never = folder.Create();
        await never.StopAsync(CancellationToken.None);
        await never.DisposeAsync();

        Replicator replicator = folder.Create();
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => replicator.SyncAsync(soon.Token));
        await replicator.StartAsync(CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => replicator.StartAsync(CancellationToken.None));
        for (ulong txid = 2; txid < 12; txid++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await replicator.SyncAsync(CancellationToken.None);
            Assert.True(replicator.Status.ReplicaTxid >= txid);
            Assert.True(File.Exists(folder["replica", "ltx", "0", new LtxFileName(txid, txid).ToString()]));
        }

        Assert.NotNull(replicator.Status.LastSyncAt);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => replicator.SyncAsync(CancellationToken.None)));
        Assert.False(replicator.Completion.IsCompleted);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await replicator.StopAsync(CancellationToken.None);
        Assert.Equal(12ul, replicator.Status.ReplicaTxid);
        Assert.True(replicator.Completion.IsCompletedSuccessfully);
        await replicator.StopAsync(CancellationToken.None);
        await Assert.ThrowsAsync<ReplicationEndedException>(() => replicator.SyncAsync(CancellationToken.None));
        await replicator.DisposeAsync();
        await replicator.DisposeAsync();
        Assert.Equal(ReplicationState.Stopped, replicator.Status.State);

        Replicator dropped = await folder.StartAsync();
        await dropped.DisposeAsync();
        Assert.Equal(ReplicationState.Stopped, dropped.Status.State);
        application.Dispose();
        Assert.Equal(12ul, await folder.EqualAsync());
    }

    // A table, and behind it pages that nobody ever wrote: a hole in the file up to the lock page.
    private static void MakeSparse(string path, int pageSize, uint pages)
    {
        using (Application application = new(path, $"PRAGMA page_size={pageSize}; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)"))
        {
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        byte[] header = new byte[100];
        file.ReadExactly(header);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(28), pages);
        file.Position = 0;
        file.Write(header);
        file.SetLength(pages * (long)pageSize);
    }

    private static bool IsCopied(string database)
    {
        using Application observer = new(database, "SELECT count(*) FROM sqlite_schema");
        const int noop = -1;
        (_, int log, int copied) = observer.Checkpoint(noop);
        return log == copied;
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
