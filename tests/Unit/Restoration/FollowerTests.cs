using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Sqlite;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Restoration;

public sealed class FollowerTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task It_brings_the_copy_to_each_new_state_also_a_smaller_one(int pageSize)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(
            rows: 50, $"PRAGMA page_size={pageSize}; PRAGMA auto_vacuum=0; PRAGMA journal_mode=wal");
        Replicator replicator = await folder.StartAsync();
        foreach (string statement in new[]
        {
            "INSERT INTO t(b) VALUES(randomblob(90000))",
            "UPDATE t SET b = randomblob(4000) WHERE id % 7 = 0",
            "DELETE FROM t WHERE id > 10",
            "VACUUM",
            "CREATE TABLE u AS SELECT * FROM t",
        })
        {
            await application.ExecuteAsync(statement);
            await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);

            FollowStatus status = await OnceAsync(folder);

            Assert.Equal((replicator.Status.ReplicaTxid, TimeSpan.Zero, null), (status.Txid, status.Lag, status.Trouble));
            await EqualAsync(folder);
        }
    }

    [Fact]
    public async Task Killed_at_any_moment_it_leaves_a_whole_copy_and_goes_on()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 300);
        await application.ExecuteAsync("CREATE TABLE counter(n); INSERT INTO counter VALUES(0)");
        Replicator replicator = await folder.StartAsync();
        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        await OnceAsync(folder);
        var random = new Random(11);
        long seen = 0;
        for (int kill = 0; kill < 12; kill++)
        {
            using ChildProcess follower = ChildProcess.Start(FollowAsync, [folder.Replica, folder["copy.db"]]);
            await follower.ReadLineAsync();
            for (int i = 0; i < 25; i++)
            {
                await application.ExecuteAsync("BEGIN; UPDATE t SET b = randomblob(4000) WHERE id % 9 = abs(random()) % 9; UPDATE counter SET n = n + 1; COMMIT");
                if (i > 3 && random.Next(20) == 0)
                {
                    break;
                }
            }

            await follower.KillAsync();
            long counter = ReadWhole(folder["copy.db"]);
            Assert.True(counter >= seen, $"the copy went back from {seen} to {counter}");
            seen = counter;
        }

        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        await OnceAsync(folder);
        await EqualAsync(folder);
        Assert.Equal(["copy.db", "copy.db-follow"], Directory.EnumerateFiles(Path.GetDirectoryName(folder.Database)!, "copy*").Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("write,pwrite64", 1)]
    [InlineData("write,pwrite64", 2)]
    [InlineData("write,pwrite64", 9)]
    [InlineData("fsync,fdatasync", 1)]
    public async Task Killed_while_it_writes_the_copy_the_state_before_comes_back(string calls, int when)
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/strace"))
        {
            output.WriteLine("Not tried: strace, which kills the follower at a system call, is absent.");
            return;
        }

        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 40);
        await application.ExecuteAsync("CREATE TABLE counter(n); INSERT INTO counter VALUES(1)");
        await folder.OnceAsync();
        await OnceAsync(folder);
        await application.ExecuteAsync("BEGIN; UPDATE t SET b = randomblob(4000); UPDATE counter SET n = 2; COMMIT");
        await folder.OnceAsync();
        byte[] before = await File.ReadAllBytesAsync(folder["copy.db"]);

        using (ChildProcess follower = ChildProcess.Start(
            FollowAsync,
            [folder.Replica, folder["copy.db"]],
            "strace", "-f", "-o", "/dev/null", "-P", folder["copy.db"], "-e", $"trace={calls}", "-e", $"inject={calls}:signal=SIGKILL:when={when}"))
        {
            await follower.ReadLineAsync();
            await Assert.ThrowsAsync<InvalidOperationException>(follower.ReadToEndAsync);
        }

        Assert.True(File.Exists(folder["copy.db-journal"]), "it was not killed in the middle of a step");
        Assert.Equal(1, ReadWhole(folder["copy.db"]));
        Assert.Equal(before, await File.ReadAllBytesAsync(folder["copy.db"]));
        await OnceAsync(folder);
        Assert.Equal(2, ReadWhole(folder["copy.db"]));
        await EqualAsync(folder);
    }

    [Fact]
    public async Task A_reader_keeps_its_state_and_is_waited_for()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);
        await OnceAsync(folder);

        // In a process of its own, as readers are.
        using ApplicationProcess reader = await ApplicationProcess.OpenAsync(folder["copy.db"], "SELECT 1");
        await reader.ExecuteAsync("BEGIN; SELECT count(*) FROM t");
        await application.ExecuteAsync("DELETE FROM t");
        await replicator.SyncAsync(CancellationToken.None).WaitAsync(Patience);

        FollowStatus held = await OnceAsync(folder);
        Assert.Contains("Readers", held.Trouble, StringComparison.Ordinal);
        Assert.True(held.Txid < held.ReplicaTxid);

        await reader.ExecuteAsync("COMMIT");
        FollowStatus status = await OnceAsync(folder);
        Assert.Null(status.Trouble);
        await EqualAsync(folder);
    }

    /// <summary>Litestream writes no node into its files, so nothing but the times tells the two lineages apart.</summary>
    [Fact]
    public async Task A_replica_without_nodes_that_was_made_anew_is_not_applied_over_the_old_copy()
    {
        await using ReplicationFolder folder = new();
        byte[] first = SqliteFile.Create(folder["first.db"], rows: 100);
        byte[] second = SqliteFile.Create(folder["second.db"], rows: 90);
        ReplicaFolder replica = new(folder.Replica);
        replica.WriteImage(1, first);
        replica.Write(0, 2, 2, (uint)(first.Length / 512), ReplicaFolder.Pages(first, 512).Take(2));
        await OnceAsync(folder);
        await EqualAsync(folder);

        Directory.Delete(folder.Replica, recursive: true);
        replica.Later = TimeSpan.FromHours(1);
        replica.WriteImage(1, second);
        replica.Write(0, 2, 2, (uint)(second.Length / 512), ReplicaFolder.Pages(second, 512).Take(1));
        replica.Write(0, 3, 3, (uint)(second.Length / 512), ReplicaFolder.Pages(second, 512).Take(3));
        await OnceAsync(folder);
        await EqualAsync(folder);
    }

    [Fact]
    public async Task A_plain_restore_over_a_copy_ends_the_following_and_force_begins_it_anew()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        await folder.OnceAsync();
        await OnceAsync(folder);
        RestoreOptions over = new() { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder["copy.db"], Force = true, SeedLocalState = false };
        await DatabaseRestorer.RestoreAsync(over, null, CancellationToken.None);
        Assert.False(File.Exists(folder["copy.db-follow"]));
        await Assert.ThrowsAsync<RestoreTargetExistsException>(() => OnceAsync(folder));

        await OnceAsync(folder, force: true);
        using (SqliteConnection foreign = SqliteFile.Open(folder["copy.db"]))
        using (SqliteCommand command = foreign.CreateCommand())
        {
            command.CommandText = "PRAGMA page_size=8192; VACUUM";
            command.ExecuteNonQuery();
        }

        await Assert.ThrowsAsync<RestoreTargetUnusableException>(() => OnceAsync(folder));
        await OnceAsync(folder, force: true);
        await EqualAsync(folder);
        Assert.True(File.Exists(folder["copy.db-follow"]));
    }

    [Fact]
    public async Task A_disk_that_is_full_is_said_and_passes()
    {
        await using ReplicationFolder folder = new();
        using SmallDisk? disk = SmallDisk.TryMount(folder["disk"], 2048, output);
        if (disk is null)
        {
            return;
        }

        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        await folder.OnceAsync();
        FollowOptions options = new() { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder["disk", "copy.db"], Once = true };
        FollowStatus before = await Follower.RunAsync(options, null, CancellationToken.None);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(randomblob(500000))");
        await folder.OnceAsync();
        disk.Fill();

        RestoreTargetUnusableException full = await Assert.ThrowsAsync<RestoreTargetUnusableException>(
            () => Follower.RunAsync(options, null, CancellationToken.None));

        Assert.Contains("Free some space", full.Message, StringComparison.Ordinal);
        disk.Free();
        Assert.True((await Follower.RunAsync(options, null, CancellationToken.None)).Txid > before.Txid);
    }

    [Fact]
    public async Task Behind_the_retention_or_written_to_by_others_it_compares_with_a_full_image()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        await folder.OnceAsync();
        await OnceAsync(folder);
        for (int i = 0; i < 3; i++)
        {
            await application.ExecuteAsync("UPDATE t SET b = randomblob(4000) WHERE id = 3");
            await folder.OnceAsync();
        }

        // A newer image, and nothing left of what came before it.
        await folder.OnceAsync(folder.Options with { Rebase = new RebaseBasis([], []) });
        string newest = Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "9")).Max()!;
        foreach (string expired in Directory.EnumerateFiles(folder.Replica, "*.ltx", SearchOption.AllDirectories).Where(path => path != newest))
        {
            File.Delete(expired);
        }

        await application.ExecuteAsync("INSERT INTO t(b) VALUES('more')");
        await folder.OnceAsync();

        await OnceAsync(folder);
        await EqualAsync(folder);

        using (SqliteConnection foreign = SqliteFile.Open(folder["copy.db"]))
        using (SqliteCommand command = foreign.CreateCommand())
        {
            command.CommandText = "DELETE FROM t";
            command.ExecuteNonQuery();
        }

        await application.ExecuteAsync("INSERT INTO t(b) VALUES('again')");
        await folder.OnceAsync();
        await OnceAsync(folder);
        await EqualAsync(folder);
    }

    [Fact]
    public async Task A_database_that_is_no_copy_is_left_alone()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        await folder.OnceAsync();
        await File.WriteAllTextAsync(folder["copy.db"], "mine");

        await Assert.ThrowsAsync<RestoreTargetExistsException>(() => OnceAsync(folder));

        Assert.Equal("mine", await File.ReadAllTextAsync(folder["copy.db"]));
        Assert.False(File.Exists(folder["copy.db-follow"]));
    }

    private static async Task FollowAsync(string[] args)
    {
        FollowOptions options = new() { Source = ReplicaLocation.Parse(args[0]), OutputPath = args[1], Interval = TimeSpan.FromMilliseconds(1) };
        Console.WriteLine("follows");
        await Follower.RunAsync(options, null, CancellationToken.None);
    }

    private static Task<FollowStatus> OnceAsync(ReplicationFolder folder, bool force = false) => Follower.RunAsync(
        new FollowOptions
        {
            Source = ReplicaLocation.Parse(folder.Replica),
            OutputPath = folder["copy.db"],
            Once = true,
            Force = force,
            BusyTimeout = TimeSpan.FromMilliseconds(100),
        },
        null,
        CancellationToken.None).WaitAsync(Patience);

    private static long ReadWhole(string path)
    {
        using SqliteConnection connection = SqliteFile.Open(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        Assert.Equal("ok", command.ExecuteScalar());
        command.CommandText = "SELECT n FROM counter";
        return (long)command.ExecuteScalar()!;
    }

    // A reader has it open, also to write, which Windows asks to be allowed.
    private static async Task<byte[]> ReadWhileOpenAsync(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] content = new byte[file.Length];
        await file.ReadExactlyAsync(content);
        return content;
    }

    /// <summary>The copy is the replica's newest image but for the journal mode and the change counter.</summary>
    private static async Task EqualAsync(ReplicationFolder folder)
    {
        string image = folder["image.db"];
        await DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = image, Force = true, SeedLocalState = false },
            null,
            CancellationToken.None);
        byte[] expected = Without(await File.ReadAllBytesAsync(image));
        byte[] copy = Without(await ReadWhileOpenAsync(folder["copy.db"]));
        Assert.Equal(expected.Length, copy.Length);
        Assert.True(expected.AsSpan().SequenceEqual(copy), "the copy's pages are others than the replica's");

        static byte[] Without(byte[] bytes)
        {
            foreach ((int start, int length) in new[] { (18, 2), (24, 4), (92, 4) })
            {
                bytes.AsSpan(start, length).Clear();
            }

            return bytes;
        }
    }
}
