using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Storage;
using Litestream.Verification;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>Litestream reads what we write.</summary>
public sealed class ReadByLitestreamTests(LitestreamVfs vfs, ITestOutputHelper output) : InteropTest(vfs, output)
{
    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(32768)]
    [InlineData(65536)]
    public async Task Litestream_reads_an_image_and_the_changes_after_it(int pageSize)
    {
        if (!HasLitestream())
        {
            return;
        }

        HandMadeReplica replica = new(Database, Replica);
        await WriteEventsAsync(commits: 20, rows: 10, pageSize);
        await replica.PutImageAsync(1);
        await AssertLitestreamReadsAsync(1);

        await WriteEventsAsync(commits: 5, rows: 40, pageSize);
        await replica.PutChangesAsync(2);
        Execute("UPDATE events SET payload = upper(payload) WHERE id % 7 = 0; DELETE FROM events WHERE id % 11 = 0");
        await replica.PutChangesAsync(3);
        Execute("CREATE TABLE later(x); INSERT INTO later VALUES(randomblob(100000)); ALTER TABLE events ADD COLUMN seen INTEGER DEFAULT 7");
        await replica.PutChangesAsync(4);
        await AssertLitestreamReadsAsync(4);
    }

    [Fact]
    public async Task Litestream_uses_a_later_image_and_the_changes_after_that()
    {
        if (!HasLitestream())
        {
            return;
        }

        HandMadeReplica replica = new(Database, Replica);
        await WriteEventsAsync(commits: 20, rows: 10);
        await replica.PutImageAsync(1);
        for (ulong txid = 2; txid <= 5; txid++)
        {
            await WriteEventsAsync(commits: 2, rows: 10);
            await replica.PutChangesAsync(txid);
        }

        // The database has shrunk by the time of the second image.
        Execute("DELETE FROM events WHERE id % 2 = 0; VACUUM");
        await replica.PutImageAsync(6);
        await AssertLitestreamReadsAsync(6);

        // Nothing else can be used now: the first image and what followed it are gone.
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        await store.DeleteAsync(LtxFileName.SnapshotLevel, new LtxFileName(1, 1), CancellationToken.None);
        for (ulong txid = 2; txid <= 5; txid++)
        {
            await store.DeleteAsync(0, new LtxFileName(txid, txid), CancellationToken.None);
        }

        await AssertLitestreamReadsAsync(6);
        await WriteEventsAsync(commits: 2, rows: 10);
        await replica.PutChangesAsync(7);
        await AssertLitestreamReadsAsync(7);
    }

    [Fact]
    public async Task Litestream_reads_what_was_streamed_from_a_live_database_at_the_same_transaction()
    {
        if (!HasLitestream())
        {
            return;
        }

        await WriteEventsAsync(commits: 50, rows: 10);
        ulong txid;
        await using (Replicator replicator = new(new ReplicationOptions { DatabasePath = Database, Destinations = [ReplicaLocation.Parse(Replica)] }))
        {
            await replicator.StartAsync(CancellationToken.None);
            await WriteEventsAsync(commits: 500, rows: 2, more: ["--checkpoints", "random"]);
            await replicator.SyncAsync(CancellationToken.None);
            txid = replicator.Status.ReplicaTxid;
            await replicator.StopAsync(CancellationToken.None);
            Assert.Null(replicator.Status.LastError);
        }

        await AssertLitestreamReadsAsync(txid);
    }

    [Fact]
    public async Task Litestream_reads_a_replica_that_was_repaired_by_what_differs()
    {
        if (!HasLitestream())
        {
            return;
        }

        ReplicationOptions options = new() { DatabasePath = Database, Destinations = [ReplicaLocation.Parse(Replica)] };
        await WriteEventsAsync(commits: 50, rows: 10);
        for (int i = 0; i < 4; i++)
        {
            await ReplicateAsync(options);
            await WriteEventsAsync(commits: 5, rows: 10);
        }

        File.Delete(Directory.EnumerateFiles(Path.Combine(Replica, "ltx", "0")).Order().ElementAt(1));
        RepairReport report = await ReplicaRepair.RunAsync(options, _ => Task.FromResult(true), CancellationToken.None);
        Assert.Equal((VerificationOutcome.Pass, false), (report.After.Outcome, report.IsFullImage));
        await AssertLitestreamReadsAsync(report.Txid);

        await WriteEventsAsync(commits: 5, rows: 10);
        await AssertLitestreamReadsAsync(await ReplicateAsync(options));
    }

    private static async Task<ulong> ReplicateAsync(ReplicationOptions options)
    {
        await using Replicator replicator = new(options);
        await replicator.StartAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);
        return replicator.Status.ReplicaTxid;
    }
}
