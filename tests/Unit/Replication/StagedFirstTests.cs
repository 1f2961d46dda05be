using System.Text;
using Litestream.Ltx;
using Litestream.Replication;
using Litestream.State;
using Litestream.Storage;
using Litestream.Tests.Unit.Maintenance;

namespace Litestream.Tests.Unit.Replication;

/// <summary>What merges read without asking the replica.</summary>
public sealed class StagedFirstTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Only_what_this_session_has_sent_is_read_here_and_the_rest_from_the_replica()
    {
        var folder = new LocalStateFolder(_temporary["app.db"]);
        folder.Create();
        await using var replica = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        foreach (ulong txid in (ulong[])[5, 6, 7])
        {
            await ((IReplicaStore)replica).PutAsync(
                0, new LtxFileName(txid, txid), DateTimeOffset.UnixEpoch, null, (stream, cancel) => stream.WriteAsync("there"u8.ToArray(), cancel).AsTask(), CancellationToken.None);
        }

        // 5 is of an earlier session, 7 is deleted here by now.
        await File.WriteAllTextAsync(folder.StagedPath(new LtxFileName(5, 5)), "here");
        await File.WriteAllTextAsync(folder.StagedPath(new LtxFileName(6, 6)), "here");
        var store = new StagedFirst(replica, folder, after: 5);

        Assert.Equal(("there", 1), (await ReadAsync(store, 5), replica.Reads));
        Assert.Equal(("here", 1), (await ReadAsync(store, 6), replica.Reads));
        Assert.Equal(("there", 2), (await ReadAsync(store, 7), replica.Reads));
    }

    [Fact]
    public async Task A_file_that_is_deleted_while_it_is_read_is_read_on_from_the_replica()
    {
        var folder = new LocalStateFolder(_temporary["app.db"]);
        folder.Create();
        await using var replica = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var name = new LtxFileName(6, 6);
        byte[] content = "one and the same file"u8.ToArray();
        await ((IReplicaStore)replica).PutAsync(0, name, DateTimeOffset.UnixEpoch, null, (stream, cancel) => stream.WriteAsync(content, cancel).AsTask(), CancellationToken.None);
        await File.WriteAllBytesAsync(folder.StagedPath(name), content);
        await using Stream stream = await new StagedFirst(replica, folder, after: 5).OpenReadAsync(0, name, 0, null, CancellationToken.None);
        byte[] read = new byte[content.Length];
        await stream.ReadExactlyAsync(read.AsMemory(0, 8));

        File.Delete(folder.StagedPath(name));
        await stream.ReadExactlyAsync(read.AsMemory(8));

        Assert.Equal((0, 1), (await stream.ReadAsync(new byte[1]), replica.Reads));
        Assert.Equal(content, read);
    }

    [Fact]
    public async Task Captured_files_stay_for_the_first_merge_and_go_with_the_end()
    {
        await using ReplicationFolder folder = new();
        using Sqlite.ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        Replicator replicator = await folder.StartAsync();
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
            await replicator.SyncAsync(CancellationToken.None);
        }

        Assert.Equal(3, Staged(folder));
        await replicator.StopAsync(CancellationToken.None);
        Assert.Equal(0, Staged(folder));
        application.Dispose();
        await folder.EqualAsync();
    }

    private static int Staged(ReplicationFolder folder) => Directory.GetFiles(Path.Combine(folder.State, "ltx", "0"), "*.ltx").Length;

    private static async Task<string> ReadAsync(StagedFirst store, ulong txid)
    {
        await using Stream stream = await store.OpenReadAsync(0, new LtxFileName(txid, txid), 0, null, CancellationToken.None);
        using StreamReader reader = new(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }
}
