using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>We go on replicating into a replica that Litestream read or made, without sending the database again.</summary>
public sealed class ContinuedReplicaTests(LitestreamVfs vfs, ITestOutputHelper output) : InteropTest(vfs, output)
{
    private const string Rows = "SELECT * FROM events ORDER BY id";
    private const string Change = "UPDATE events SET payload = payload || 'changed' WHERE id % 50 = 0";

    [Fact]
    public async Task No_new_base_follows_when_Litestream_only_read()
    {
        if (!HasLitestream())
        {
            return;
        }

        await WriteEventsAsync(commits: 30, rows: 10);
        await ReplicateAsync(Database);
        List<ReplicaFile> images = await FilesAsync(LtxFileName.SnapshotLevel);
        ReplicaFile image = Assert.Single(images);
        string[] before = await Vfs.QueryAsync(Replica, Rows);
        Execute(Change);

        await ReplicateAsync(Database);

        Assert.Equal(images, await FilesAsync(LtxFileName.SnapshotLevel));
        Assert.All(await FilesAsync(0), file => Assert.True(file.Size < image.Size / 2, $"{file}"));
        string[] after = await Vfs.QueryAsync(Replica, Rows);
        Assert.NotEqual(before, after);
        Assert.Equal(await LitestreamVfs.QueryDatabaseAsync(Database, Rows), after);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_replica_that_Litestream_made_is_continued_by_the_database_restored_from_it(bool withLocalState)
    {
        if (!HasLitestream())
        {
            return;
        }

        await Vfs.WriteAsync(Replica, "CREATE TABLE events(id INTEGER PRIMARY KEY, payload BLOB)", Insert(2000));
        await Vfs.WriteAsync(Replica, "DELETE FROM events WHERE id % 3 = 0", Insert(100));
        List<ReplicaFile> made = await FilesAsync(0);
        RestoreOptions restore = new() { Source = ReplicaLocation.Parse(Replica), OutputPath = Database, SeedLocalState = withLocalState };
        RestoreResult restored = await DatabaseRestorer.RestoreAsync(restore, null, CancellationToken.None);
        Execute(Change);

        await ReplicateAsync(Database, adopt: !withLocalState);

        Assert.Empty(await FilesAsync(LtxFileName.SnapshotLevel));
        List<ReplicaFile> captured = await FilesAsync(0);
        Assert.Equal(made, captured[..made.Count]);
        Assert.Equal(restored.Txid + 1, captured[made.Count].Name.MinTxid);
        Assert.All(captured[made.Count..], file => Assert.True(file.Size < made[0].Size / 2, $"{file}"));
        string[] expected = await LitestreamVfs.QueryDatabaseAsync(Database, Rows, "PRAGMA integrity_check");
        Assert.Equal("'ok'\n", expected[^1]);
        Assert.Equal(expected, await Vfs.QueryAsync(Replica, Rows, "PRAGMA integrity_check"));
    }

    private static string Insert(int count) => $"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO events(payload) SELECT hex(randomblob(100)) FROM n
        """;

    private async Task ReplicateAsync(string database, bool adopt = false)
    {
        ReplicationOptions options = new() { DatabasePath = database, Destinations = [ReplicaLocation.Parse(Replica)], AdoptReplica = adopt, Maintenance = new() { Enabled = false } };
        await using Replicator replicator = new(options);
        await replicator.StartAsync(CancellationToken.None);
        await replicator.SyncAsync(CancellationToken.None);
        await replicator.StopAsync(CancellationToken.None);
        Assert.Null(replicator.Status.LastError);
    }

    private async Task<List<ReplicaFile>> FilesAsync(int level)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        return [.. (await ReplicaListing.ReadAsync(store, CancellationToken.None)).Where(file => file.Level == level)];
    }
}
