using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

/// <summary>The folder backend: the store's promises, and what is on the disk behind them.</summary>
public sealed class FolderReplicaStoreTests : ReplicaStoreConformance, IDisposable
{
    private static readonly ReplicaOwner Owner = new("alpha", 4711, "/data/app.db", Noon);

    private readonly TemporaryFolder _temporary = new();

    private string Replica => _temporary["replica of ünïcode"];

    public void Dispose() => _temporary.Dispose();

    protected override IReplicaStore Open() => ReplicaLocation.Parse(Replica).Open();

    [Fact]
    public async Task Opening_and_listing_write_nothing()
    {
        await using IReplicaStore store = Open();
        await ListAsync(store, 0);
        Assert.False(Directory.Exists(Replica));
    }

    [Fact]
    public async Task Files_lie_where_Litestream_looks_for_them_with_the_timestamp_as_their_time()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 9, new LtxFileName(1, 0x2a), Content(10), Noon.AddTicks(9999));

        string path = Path.Combine(Replica, "ltx", "9", "0000000000000001-000000000000002a.ltx");
        Assert.Equal([path], Directory.EnumerateFiles(Replica, "*", SearchOption.AllDirectories));
        Assert.Equal(Noon.UtcDateTime, File.GetLastWriteTimeUtc(path));
    }

    [Fact]
    public async Task Foreign_names_are_passed_over()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), [1]);
        string folder = Path.Combine(Replica, "ltx", "0");
        foreach (string name in new[]
        {
            "0000000000000002-0000000000000002.ltx.tmp", "0000000000000002-0000000000000002.LTX",
            "0000000000000003-0000000000000002.ltx", "000000000000000A-000000000000000A.ltx", "notes.txt", ".hidden",
        })
        {
            File.WriteAllText(Path.Combine(folder, name), "foreign");
        }

        Directory.CreateDirectory(Path.Combine(folder, "0000000000000009-0000000000000009.ltx"));

        Assert.Equal(new LtxFileName(1, 1), Assert.Single(await ListAsync(store, 0)).Name);
    }

    [Fact]
    public async Task A_file_replaced_or_deleted_while_it_is_read_stays_readable_to_its_end()
    {
        byte[] content = Content(500_000);
        await using IReplicaStore store = Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), content);
        await using Stream reader = await store.OpenReadAsync(0, new LtxFileName(1, 1), 0, null, CancellationToken.None);

        await PutAsync(store, 0, new LtxFileName(1, 1), Content(70));
        await store.DeleteAsync(0, new LtxFileName(1, 1), CancellationToken.None);

        byte[] read = new byte[content.Length];
        await reader.ReadExactlyAsync(read);
        Assert.Equal(content, read);
        Assert.Equal(-1, reader.ReadByte());
    }

    [Fact]
    public async Task Acquiring_removes_what_crashed_writers_left_and_nothing_else()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), [1]);
        string folder = Path.Combine(Replica, "ltx", "0");
        File.WriteAllText(Path.Combine(folder, "0000000000000002-0000000000000002.ltx.4711.tmp"), "half a file");
        File.WriteAllText(Path.Combine(folder, "0000000000000002-0000000000000002.ltx.tmp"), "half a file of Litestream");
        File.WriteAllText(Path.Combine(folder, "mine.tmp"), "somebody's");

        await using IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);

        Assert.Equal(
            ["0000000000000001-0000000000000001.ltx", "mine.tmp"],
            Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_writer_in_another_process_is_refused_until_that_process_is_killed()
    {
        using ChildProcess child = ChildProcess.Start(HoldUntilKilled, [Replica]);
        Assert.Equal("held", await child.ReadLineAsync());
        await using IReplicaStore store = Open();

        ReplicaInUseException error = await Assert.ThrowsAsync<ReplicaInUseException>(
            () => store.AcquireAsync(Owner, CancellationToken.None));
        Assert.Contains("/data/of the child.db", error.Message, StringComparison.Ordinal);

        await child.KillAsync();
        await using IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);
        Assert.Equal(Owner, FolderLock.ReadOwner(Replica));
    }

    [Fact]
    public async Task Letting_go_removes_the_record_of_the_owner()
    {
        await using IReplicaStore store = Open();
        IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);
        await held.DisposeAsync();
        await held.DisposeAsync();
        Assert.Null(FolderLock.ReadOwner(Replica));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("null")]
    public async Task A_damaged_record_of_the_owner_still_refuses_the_second_writer(string record)
    {
        await using IReplicaStore store = Open();
        await using IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);
        await File.WriteAllTextAsync(Path.Combine(Replica, FolderLock.OwnerFileName), record);
        await Assert.ThrowsAsync<ReplicaInUseException>(() => store.AcquireAsync(Owner, CancellationToken.None));
    }

    [Fact]
    public async Task A_replica_that_vanishes_under_its_writer_is_an_error_until_it_is_back()
    {
        await using IReplicaStore store = Open();
        await using IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);
        await PutAsync(store, 0, new LtxFileName(1, 1), [1]);
        string away = _temporary["away"];
        Directory.Move(Replica, away);

        foreach (bool bareMountPoint in new[] { false, true })
        {
            if (bareMountPoint)
            {
                Directory.CreateDirectory(Replica);
            }

            await Assert.ThrowsAsync<ReplicaUnreachableException>(() => PutAsync(store, 0, new LtxFileName(2, 2), [2]));
            await Assert.ThrowsAsync<ReplicaUnreachableException>(() => ListAsync(store, 0));
            await Assert.ThrowsAsync<ReplicaUnreachableException>(
                () => store.OpenReadAsync(0, new LtxFileName(1, 1), 0, null, CancellationToken.None));
            await Assert.ThrowsAsync<ReplicaUnreachableException>(() => store.DeleteAsync(0, new LtxFileName(1, 1), CancellationToken.None));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(Replica));
        Directory.Delete(Replica);
        Directory.Move(away, Replica);
        await PutAsync(store, 5, new LtxFileName(2, 2), [2]);
        Assert.Single(await ListAsync(store, 0));
        Assert.Single(await ListAsync(store, 5));
    }

    [Fact]
    public async Task A_place_inside_another_replica_is_refused()
    {
        await using IReplicaStore outer = Open();
        await PutAsync(outer, 9, new LtxFileName(1, 1), [1]);

        foreach (string inner in new[] { "second", "ltx", Path.Combine("ltx", "9"), Path.Combine("a", "b", "c") })
        {
            await using IReplicaStore store = ReplicaLocation.Parse(Path.Combine(Replica, inner)).Open();
            ReplicaLocationException error = await Assert.ThrowsAsync<ReplicaLocationException>(
                () => store.AcquireAsync(Owner, CancellationToken.None));
            Assert.Contains($"'{Replica}'", error.Message, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Path.Combine(Replica, "a")));
    }

    [Fact]
    public async Task A_place_inside_a_replica_that_has_a_writer_and_no_files_yet_is_refused()
    {
        await using IReplicaStore outer = Open();
        await using IReplicaLease held = await outer.AcquireAsync(Owner, CancellationToken.None);
        await using IReplicaStore inner = ReplicaLocation.Parse(Path.Combine(Replica, "second")).Open();
        await Assert.ThrowsAsync<ReplicaLocationException>(() => inner.AcquireAsync(Owner, CancellationToken.None));
    }

    [Fact]
    public async Task A_place_with_another_replica_in_it_is_refused_but_not_for_a_local_state_folder()
    {
        string state = Path.Combine(Replica, ".app.db-litestream", "ltx", "0");
        Directory.CreateDirectory(state);
        await File.WriteAllTextAsync(Path.Combine(state, new LtxFileName(1, 1).ToString()), "");
        await using IReplicaStore outer = Open();
        await (await outer.AcquireAsync(Owner, CancellationToken.None)).DisposeAsync();

        string below = Path.Combine(Replica, "backups", "app");
        await using IReplicaStore inner = ReplicaLocation.Parse(below).Open();
        await PutAsync(inner, 0, new LtxFileName(1, 1), [1]);

        ReplicaLocationException error = await Assert.ThrowsAsync<ReplicaLocationException>(
            () => outer.AcquireAsync(Owner, CancellationToken.None));
        Assert.Contains($"'{below}'", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Runs in a child process.</summary>
    internal static async Task HoldUntilKilled(string[] args)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(args[0]).Open();
        ReplicaOwner owner = ReplicaOwner.Current("/data/of the child.db", TimeProvider.System.GetUtcNow());
        await using IReplicaLease held = await store.AcquireAsync(owner, CancellationToken.None);
        Console.WriteLine("held");
        await Console.In.ReadToEndAsync();
    }
}
