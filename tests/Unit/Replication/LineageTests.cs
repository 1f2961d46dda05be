using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Storage;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

public sealed class LineageTests
{
    [Fact]
    public async Task A_table_whose_captured_file_was_merged_and_deleted_meanwhile_is_no_conflict()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await folder.OnceAsync();
        }

        string table = Path.Combine(folder.State, "checksums");
        File.Copy(table, folder["table of transaction 3"]);
        await MergeCapturesAsync(folder.Replica);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(2)");
        await folder.OnceAsync();
        foreach (ulong merged in (ulong[])[2, 3])
        {
            File.Delete(folder["replica", "ltx", "0", new Litestream.Ltx.LtxFileName(merged, merged).ToString()]);
        }

        // As if the table had not been saved since.
        File.Copy(folder["table of transaction 3"], table, overwrite: true);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(3)");
        ReplicationStatus status = await folder.OnceAsync();

        Assert.Null(status.LastErrorId);
        application.Dispose();
        await folder.EqualAsync();
    }

    private static async Task MergeCapturesAsync(string replica)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        var catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(store, CancellationToken.None));
        Assert.Equal(1, await new Compactor(store, catalogue).CompactAsync(
            1, TimeSpan.FromDays(3650), DateTimeOffset.UtcNow.AddYears(20), CancellationToken.None));
    }
}
