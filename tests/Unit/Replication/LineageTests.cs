using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

public sealed class LineageTests
{
    [Theory]
    [InlineData(1, 0)] // brought forward by the merged file
    [InlineData(3, 1)] // the end of the merged file is known by no checksum: a full image covers it
    public async Task A_table_whose_captured_files_were_merged_and_deleted_meanwhile_is_no_conflict(ulong saved, int images)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        string table = Path.Combine(folder.State, "checksums");
        for (ulong txid = 1; txid <= 3; txid++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await folder.OnceAsync();
            File.Copy(table, folder[$"table of {txid}"]);
        }

        await MergeCapturesAsync(folder.Replica);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await folder.OnceAsync();
        foreach (ulong merged in (ulong[])[2, 3])
        {
            File.Delete(folder["replica", "ltx", "0", new Litestream.Ltx.LtxFileName(merged, merged).ToString()]);
        }

        // As if the table had not been saved since.
        File.Delete(Path.Combine(folder.State, "head"));
        File.Copy(folder[$"table of {saved}"], table, overwrite: true);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(3)");
        ReplicationStatus status = await folder.OnceAsync();

        Assert.Equal((null, images), (status.LastErrorId, status.BaseImages));
        await application.ExecuteAsync("PRAGMA wal_checkpoint(TRUNCATE)");
        application.Dispose();
        await DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder["copy.db"], SeedLocalState = false },
            progress: null,
            CancellationToken.None);
        Images.Equal(folder.Database, folder["copy.db"]);
    }

    private static async Task MergeCapturesAsync(string replica)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        var catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(store, CancellationToken.None));
        Assert.Equal(1, await new Compactor(store, catalogue).CompactAsync(
            1, TimeSpan.FromDays(3650), DateTimeOffset.UtcNow.AddYears(20), CancellationToken.None));
    }
}
