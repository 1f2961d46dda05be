using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>What a start makes of what happened while nobody replicated.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task While_an_application_keeps_the_WAL_a_restart_reads_only_what_is_new()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 100);
        await folder.OnceAsync();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1); INSERT INTO t(b) VALUES(2)");

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((0, 0, 1L), (status.Scans, status.BaseImages, status.FilesUploaded));
        Assert.Equal(2, status.Transactions);
        ReplicationStatus idle = await folder.OnceAsync();
        Assert.Equal((0, 0, 0L), (idle.Scans, idle.BaseImages, idle.FilesUploaded));
        application.Dispose();
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Theory]
    [InlineData("PRAGMA wal_checkpoint(RESTART); INSERT INTO t(b) VALUES(1)")]
    [InlineData("UPDATE t SET b=1 WHERE id=50; PRAGMA wal_checkpoint(RESTART); INSERT INTO t(b) VALUES(1)")]
    [InlineData("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(b) VALUES(1)")]
    [InlineData("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(b) VALUES(1); PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET b=2 WHERE id=7")]
    public async Task When_the_WAL_was_reset_every_page_is_compared_and_the_difference_sent(string meanwhile)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 100);
        await folder.OnceAsync();
        await application.ExecuteAsync(meanwhile);

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((1, 0, 1L), (status.Scans, status.BaseImages, status.FilesUploaded));
        Assert.True(status.Pages < 8, $"{status.Pages} pages were sent.");
        application.Dispose();
        await folder.EqualAsync();
    }

    [Theory]
    [InlineData("VACUUM")]
    [InlineData("DELETE FROM t WHERE id > 10; PRAGMA incremental_vacuum; INSERT INTO t(b) VALUES(randomblob(100000))")]
    [InlineData("DELETE FROM t; PRAGMA incremental_vacuum")]
    [InlineData("PRAGMA journal_mode=delete; UPDATE t SET b=randomblob(300) WHERE id % 9 = 0")]
    public async Task What_was_done_while_nobody_looked_arrives(string meanwhile)
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096, "PRAGMA auto_vacuum=incremental;"))
        {
            application.Fill(60);
            application.Execute("DELETE FROM t WHERE id % 3 = 0");
        }

        await folder.OnceAsync();
        using (Application application = new(folder.Database))
        {
            application.Execute(meanwhile);
        }

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal(0, status.BaseImages);
        Assert.Equal(2ul, await folder.EqualAsync());
        Assert.Equal(0, (await folder.OnceAsync()).FilesUploaded);
    }

    [Fact]
    public async Task A_backup_that_was_put_back_grows_the_database_by_pages_that_it_had_before()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(60);
        }

        await folder.OnceAsync();
        File.Copy(folder.Database, folder["backup.db"]);
        using (Application application = new(folder.Database))
        {
            application.Execute("DELETE FROM t WHERE id > 10; VACUUM");
        }

        await folder.OnceAsync();
        File.Copy(folder["backup.db"], folder.Database, overwrite: true);

        Assert.Equal((0, 1), ((await folder.OnceAsync()).BaseImages, (await folder.OnceAsync()).Scans));
        Assert.Equal(3ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task Another_page_size_begins_a_new_base_image_behind_the_old_one_and_the_old_files_stay()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        using (Application application = new(folder.Database))
        {
            application.Commit(2);
        }

        await folder.OnceAsync();
        using (Application application = new(folder.Database, "PRAGMA journal_mode=delete; PRAGMA page_size=1024; VACUUM; PRAGMA journal_mode=wal"))
        {
            Assert.Equal(1024, application.Query("PRAGMA page_size"));
        }

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((1, 3ul), (status.BaseImages, status.ReplicaTxid));
        Assert.Equal([new LtxFileName(1, 1), new(1, 3)], await NamesAsync(folder, LtxFileName.SnapshotLevel));
        Assert.Equal([new LtxFileName(2, 2)], await NamesAsync(folder, 0));
        Assert.Equal(3ul, await folder.EqualAsync());
        await ReplicaModel.ApplyAsync(folder.Replica, folder["old.db"], upTo: 2);
        using Application old = new(folder["old.db"], "PRAGMA busy_timeout=0");
        Assert.Equal((22, 4096), (old.Query("SELECT count(*) FROM t"), old.Query("PRAGMA page_size")));
    }

    [Fact]
    public async Task A_replica_that_was_emptied_gets_a_new_base_image_behind_the_last_transaction()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        Directory.Delete(folder.Replica, recursive: true);
        Assert.Equal(1, (await folder.OnceAsync()).BaseImages);

        Assert.Equal([new LtxFileName(1, 2)], await NamesAsync(folder, LtxFileName.SnapshotLevel));
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task Without_local_state_an_equal_database_is_accepted_and_another_one_refused()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        Directory.Delete(folder.State, recursive: true);
        ReplicationStatus equal = await folder.OnceAsync();
        Assert.Equal((0, 0L, 1ul), (equal.BaseImages, equal.FilesUploaded, equal.ReplicaTxid));

        using (Application application = new(folder.Database))
        {
            application.Commit();
        }

        await folder.OnceAsync();
        Directory.Delete(folder.State, recursive: true);
        using (Application application = new(folder.Database))
        {
            application.Commit();
        }

        string[] before = folder.ReplicaFiles();
        for (int i = 0; i < 3; i++)
        {
            ReplicaConflictException error = await Assert.ThrowsAsync<ReplicaConflictException>(() => folder.StartAsync());
            Assert.Contains("no record that the two belong together", error.Message, StringComparison.Ordinal);
            Assert.Contains("-AdoptReplica", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, folder.ReplicaFiles());
        ReplicationStatus adopted = await folder.OnceAsync(folder.Options with { AdoptReplica = true });
        Assert.Equal((0, 1L, 3ul), (adopted.BaseImages, adopted.FilesUploaded, adopted.ReplicaTxid));
        Assert.Equal(3ul, await folder.EqualAsync());
        Assert.Equal(0, (await folder.OnceAsync()).FilesUploaded);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(1024)]
    public async Task The_replica_of_another_database_is_refused_whatever_its_page_size(int pageSize)
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        string other = folder["other.db"];
        using (Application application = Application.WithPages(other, pageSize))
        {
            application.Fill(20);
        }

        ReplicationOptions options = folder.Options with { DatabasePath = other };
        string[] before = folder.ReplicaFiles();
        await Assert.ThrowsAsync<ReplicaConflictException>(() => folder.StartAsync(options));
        await folder.OnceAsync(options with { Destinations = [ReplicaLocation.Parse(folder["other"])] });
        await Assert.ThrowsAsync<ReplicaConflictException>(() => folder.StartAsync(options));
        Assert.Equal(before, folder.ReplicaFiles());
        await folder.EqualAsync();

        Assert.Equal(2ul, (await folder.OnceAsync(options with { AdoptReplica = true })).ReplicaTxid);
        Assert.Equal(2ul, await Images.EqualAsync(other, folder.Replica));
    }

    [Fact]
    public async Task A_replica_that_is_ahead_of_us_is_refused()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        await folder.WriteForeignFileAsync(new LtxFileName(2, 2));
        string[] before = folder.ReplicaFiles();

        ReplicaConflictException error = await Assert.ThrowsAsync<ReplicaConflictException>(() => folder.StartAsync());

        Assert.Contains("ahead", error.Message, StringComparison.Ordinal);
        Assert.Equal(2ul, error.Txid);
        Assert.Equal(before, folder.ReplicaFiles());
    }

    [Fact]
    public async Task A_machine_that_was_set_back_continues_its_own_replica_with_what_it_has_now()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        folder.CopyFolder(folder.State, folder["state"]);
        File.Copy(folder.Database, folder["old.db"]);
        using (Application application = new(folder.Database))
        {
            application.Fill(5);
        }

        Assert.Equal(2ul, (await folder.OnceAsync()).ReplicaTxid);
        Directory.Delete(folder.State, recursive: true);
        folder.CopyFolder(folder["state"], folder.State);
        File.Move(folder["old.db"], folder.Database, overwrite: true);

        Assert.Equal((0, 3ul), ((await folder.OnceAsync()).BaseImages, await folder.EqualAsync()));
    }

    [Fact]
    public async Task A_kill_between_the_base_image_and_its_table_loses_nothing()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        // The state as it is before the base image is sent: a table of transaction 0 with the node id. An unwritable replica stops there.
        Directory.CreateDirectory(folder.Replica);
        await File.WriteAllTextAsync(folder["replica", "ltx"], "in the way");
        await Assert.ThrowsAnyAsync<LitestreamException>(() => folder.StartAsync(folder.Options with { WaitForReplica = false }));
        File.Delete(folder["replica", "ltx"]);
        await folder.OnceAsync();
        ulong node = folder.NodeId();
        folder.RollTableBack(node);
        using (Application application = new(folder.Database))
        {
            application.Commit();
        }

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((0, 1, 2ul), (status.BaseImages, status.Scans, status.ReplicaTxid));
        Assert.Equal(node, folder.NodeId());
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    [Fact]
    public async Task A_staged_file_that_never_reached_the_replica_is_sent_at_the_next_start()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        string away = folder["away"];
        Directory.Move(folder.Replica, away);
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(300))");
            ulong next = (ulong)i + 2;
            await Until.HoldsAsync(() => replicator.Status.CapturedTxid >= next, () => replicator.Status);
        }

        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await replicator.StopAsync(now.Token);
        Assert.Equal((4ul, 1ul), (replicator.Status.CapturedTxid, replicator.Status.ReplicaTxid));
        Directory.Move(away, folder.Replica);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(300))");

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((0, 0, 4L, 5ul), (status.Scans, status.BaseImages, status.FilesUploaded, status.ReplicaTxid));
        application.Dispose();
        Assert.Equal(5ul, await folder.EqualAsync());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_staged_file_that_a_power_cut_damaged_costs_a_comparison_and_nothing_else(int damaged)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        using (ReplicatorProcess killed = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica))
        {
            Directory.Move(folder.Replica, folder["away"]);
            for (ulong txid = 2; txid <= 4; txid++)
            {
                await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(300))");
                string staged = Path.Combine(folder.State, "ltx", "0", new LtxFileName(txid, txid).ToString());
                await Until.HoldsAsync(() => File.Exists(staged));
            }

            await killed.KillAsync();
        }

        Directory.Move(folder["away"], folder.Replica);
        string path = Path.Combine(folder.State, "ltx", "0", new LtxFileName((ulong)damaged, (ulong)damaged).ToString());
        byte[] bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, [.. bytes.AsSpan(0, bytes.Length / 2), .. new byte[bytes.Length - (bytes.Length / 2)]]);

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((1, 0), (status.Scans, status.BaseImages));
        application.Dispose();
        Assert.Equal((ulong)damaged, await folder.EqualAsync());
    }

    [Fact]
    public async Task A_lineage_that_has_sent_nothing_yet_still_continues_what_it_was_restored_from()
    {
        await using ReplicationFolder folder = new();
        using (Application application = Application.WithPages(folder.Database, 4096))
        {
            application.Fill(20);
        }

        await folder.OnceAsync();
        File.Delete(folder.Database);
        Directory.Delete(folder.State, recursive: true);
        await DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder.Database }, progress: null, CancellationToken.None);
        using ApplicationProcess restored = await ApplicationProcess.OpenAsync(folder.Database);
        Replicator replicator = await folder.StartAsync();
        Directory.Move(folder.Replica, folder["away"]);
        await restored.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status.CapturedTxid == 2, () => replicator.Status);
        ulong node = folder.NodeId();
        await Task.Delay(1500); // idle for so long, the table is saved, if it may be
        await replicator.DisposeAsync();
        Directory.Move(folder["away"], folder.Replica);

        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((0, 1L), (status.BaseImages, status.FilesUploaded));
        Assert.Equal(node, folder.NodeId());
        restored.Dispose();
        Assert.Equal(2ul, await folder.EqualAsync());
    }

    private static async Task<LtxFileName[]> NamesAsync(ReplicationFolder folder, int level) =>
        [.. (await ReplicaModel.ListAsync(folder.Replica, level)).Select(file => file.Name)];
}
