using Litestream.Replication;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>The replicator killed at any moment, with a database that is worked on meanwhile.</summary>
public sealed class KillTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 250)]
    [InlineData(4, 250)]
    public async Task Whatever_moment_it_is_killed_at_the_replica_comes_to_be_the_database(int seed, int syncInterval)
    {
        await using ReplicationFolder folder = new();
        using (ChildProcess first = WriterProcess.Start(folder.Database, [.. WriterProcess.Hostile, "--commits", "1", "--size", "4000000"]))
        {
            await first.ReadToEndAsync();
        }

        var random = new Random(seed);
        using ChildProcess writer = WriterProcess.Start(
            folder.Database, [.. WriterProcess.Hostile, "--seconds", "6", "--rate", "300", "--seed", $"{seed}"]);
        Task<string> written = writer.ReadToEndAsync();
        for (int round = 0; round < 4; round++)
        {
            // The first is killed while it starts, most likely in its base image; later ones while they stream, check or compare.
            using ReplicatorProcess replicator = ReplicatorProcess.Begin(folder.Database, folder.Replica, TimeSpan.FromMilliseconds(syncInterval));
            if (round > 0)
            {
                Assert.Equal("streaming", await replicator.ReadLineAsync());
            }

            await Task.Delay(random.Next(50, 700));
            await replicator.KillAsync();
        }

        await written;
        using ReplicatorProcess last = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);
        ReplicationStatus status = await last.StopAsync();
        last.Dispose();
        Assert.Equal(ReplicationState.Stopped, status.State);
        Assert.Equal(status.ReplicaTxid, await folder.EqualAsync());
    }

    [Theory]
    [InlineData("UPDATE t SET b=randomblob(3000) WHERE id % 50 = 0", 40)]
    [InlineData("UPDATE t SET b=randomblob(3000) WHERE id % 50 = 0; PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET b=1 WHERE id=3", 40)]
    [InlineData("VACUUM; PRAGMA wal_checkpoint(RESTART); INSERT INTO t(b) VALUES(2)", 40)]
    public async Task After_a_kill_little_more_is_sent_than_what_changed(string meanwhile, int pages)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 1000);
        using (ReplicatorProcess replicator = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica))
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await replicator.SyncAsync();
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
            await replicator.KillAsync();
        }

        await application.ExecuteAsync(meanwhile);
        using ReplicatorProcess next = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);
        ReplicationStatus status = await next.StopAsync();

        Assert.Equal(0, status.BaseImages);
        Assert.InRange(status.BytesUploaded, 1, pages * 4096 * 2);
        application.Dispose();
        next.Dispose();
        await folder.EqualAsync();
    }

    [Fact]
    public async Task A_base_image_that_is_killed_is_not_visible_and_the_next_start_makes_it()
    {
        await using ReplicationFolder folder = new();
        using (ChildProcess fill = WriterProcess.Start(folder.Database, "--size", "60000000"))
        {
            await fill.ReadToEndAsync();
        }

        string level = folder["replica", "ltx", "9"];
        const int tries = 10; // an image that was quicker than the kill says nothing
        for (int i = 0; i < tries && (i == 0 || !Directory.EnumerateFiles(level).Single().EndsWith(".tmp", StringComparison.Ordinal)); i++)
        {
            if (i > 0)
            {
                Directory.Delete(folder.Replica, recursive: true);
                Directory.Delete(folder.State, recursive: true);
            }

            using ReplicatorProcess killed = ReplicatorProcess.Begin(folder.Database, folder.Replica);
            await Until.HoldsAsync(() => Directory.Exists(level) && Directory.EnumerateFiles(level).Any(file => new FileInfo(file).Length > 1 << 20));
            await killed.KillAsync();
        }

        Assert.EndsWith(".tmp", Assert.Single(Directory.EnumerateFiles(level)), StringComparison.Ordinal);
        Assert.Equal(1, (await folder.OnceAsync()).BaseImages);
        Assert.Equal(1ul, await folder.EqualAsync());
        Assert.Single(Directory.EnumerateFiles(level));
    }

    [Fact]
    public async Task The_second_replicator_of_a_database_or_a_replica_is_refused_and_told_of_the_first()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 10);
        using ReplicatorProcess first = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);

        using ReplicatorProcess sameDatabase = ReplicatorProcess.Begin(folder.Database, folder["elsewhere"]);
        string said = await sameDatabase.ReadLineAsync();
        Assert.StartsWith("DatabaseInUse: ", said, StringComparison.Ordinal);
        Assert.Contains($"process {first.Id} ", said, StringComparison.Ordinal);

        using Application other = Application.WithPages(folder["other.db"], 4096);
        other.Fill(3);
        using ReplicatorProcess sameReplica = ReplicatorProcess.Begin(folder["other.db"], folder.Replica);
        said = await sameReplica.ReadLineAsync();
        Assert.StartsWith("ReplicaInUse: ", said, StringComparison.Ordinal);
        Assert.Contains($"process {first.Id} ", said, StringComparison.Ordinal);
        Assert.Contains(folder.Database, said, StringComparison.Ordinal);

        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        Assert.Equal(2ul, (await first.StopAsync()).ReplicaTxid);
        using ReplicatorProcess after = await ReplicatorProcess.StartAsync(folder.Database, folder.Replica);
        Assert.Equal(2ul, (await after.StopAsync()).ReplicaTxid);
    }
}
