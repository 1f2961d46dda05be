using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>We read what Litestream writes.</summary>
public sealed class WrittenByLitestreamTests(LitestreamVfs vfs, ITestOutputHelper output) : InteropTest(vfs, output)
{
    private const string Rows = "SELECT id, payload FROM events ORDER BY id";
    private const string Sound = "'ok'\n";

    [Fact]
    public async Task A_replica_that_Litestream_made_is_verified_and_restored()
    {
        if (!HasLitestream())
        {
            return;
        }

        await Vfs.WriteAsync(Replica, "CREATE TABLE events(id INTEGER PRIMARY KEY, payload BLOB)");
        await Vfs.WriteAsync(Replica, Insert(300));
        await Vfs.WriteAsync(Replica, "UPDATE events SET payload = 'changed' WHERE id % 3 = 0", Insert(100));
        string[] expected = await Vfs.QueryAsync(Replica, Rows);

        List<ReplicaFile> files = await FilesAsync(0);
        Assert.Equal([new(1, 1), new(2, 2), new(3, 3)], files.Select(file => file.Name));
        await RestoreAsync(files);

        string[] restored = await LitestreamVfs.QueryDatabaseAsync(Restored, Rows, "PRAGMA integrity_check");
        Assert.Equal([.. expected, Sound], restored);
    }

    [Fact]
    public async Task What_Litestream_adds_to_our_replica_is_restored_after_our_own_files()
    {
        if (!HasLitestream())
        {
            return;
        }

        HandMadeReplica replica = new(Database, Replica);
        await WriteEventsAsync(commits: 20, rows: 10);
        await replica.PutImageAsync(1);
        await WriteEventsAsync(commits: 3, rows: 10);
        await replica.PutChangesAsync(2);
        await Vfs.WriteAsync(Replica, "DELETE FROM events WHERE id % 2 = 0; UPDATE events SET payload = upper(payload)");
        string[] expected = await Vfs.QueryAsync(Replica, Rows);

        await RestoreAsync([.. await FilesAsync(LtxFileName.SnapshotLevel), .. await FilesAsync(0)]);

        string[] restored = await LitestreamVfs.QueryDatabaseAsync(Restored, Rows, "PRAGMA integrity_check");
        Assert.Equal([.. expected, Sound], restored);
        Assert.Contains("PUSHEVENT", expected[0], StringComparison.Ordinal);
    }

    private static string Insert(int count) => $"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO events(payload) SELECT CASE i % 3 WHEN 0 THEN randomblob(700) ELSE hex(zeroblob(i)) END FROM n
        """;

    private async Task<List<ReplicaFile>> FilesAsync(int level)
    {
        List<ReplicaFile> files = [];
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        await foreach (ReplicaFile file in store.ListAsync(level, CancellationToken.None))
        {
            files.Add(file);
        }

        return files;
    }

    /// <summary>Verifies each file to its checksum, then restores.</summary>
    private async Task RestoreAsync(List<ReplicaFile> files)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        foreach (ReplicaFile file in files)
        {
            await using Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, CancellationToken.None);
            await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, file.Name.ToString(), CancellationToken.None);
            byte[] page = new byte[decoder.Header.PageSize];
            while (await decoder.ReadPageAsync(page, CancellationToken.None) != 0)
            {
            }

            Assert.NotEqual(0ul, decoder.Trailer.FileChecksum);
            Assert.Equal(file.Name, new LtxFileName(decoder.Header.MinTxid, decoder.Header.MaxTxid));
            Assert.Equal(decoder.Header.Time, file.Timestamp);
        }

        RestoreOptions options = new() { Source = ReplicaLocation.Parse(Replica), OutputPath = Restored, IntegrityCheck = IntegrityCheck.Full };
        await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
    }
}
