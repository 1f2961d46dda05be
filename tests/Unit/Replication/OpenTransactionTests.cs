using Litestream.Replication;
using Litestream.State;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Captures that are gathered into one file for the replica.</summary>
public sealed class OpenTransactionTests
{
    [Fact]
    public async Task Captures_of_an_interval_stand_here_at_once_and_become_one_file()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(20);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica, gathers: true);
        for (int i = 1; i <= 5; i++)
        {
            application.Execute(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"UPDATE t SET b=randomblob(4000) WHERE id <= {i}"));
            Assert.True(rig.Session.Capture());
            Assert.Equal(i, Parts(folder).Length);
        }

        Assert.Empty(Staged(folder));
        Assert.Equal(2ul, rig.Session.Captured.Txid);
        rig.Session.Seal();
        Assert.Empty(Parts(folder));
        Assert.Single(Staged(folder));
        application.Commit();
        Assert.True(rig.Session.Capture());
        Assert.Equal(3ul, rig.Session.Captured.Txid);
        rig.Session.Seal();
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_start_sends_what_a_killed_one_had_gathered(int deletedWhileFolding)
    {
        await using ReplicationFolder folder = new();
        using (ApplicationProcess application = await folder.OpenApplicationAsync(20))
        {
            await folder.OnceAsync();
            await using (Replicator replicator = await folder.StartAsync(folder.Options with { SyncInterval = TimeSpan.FromHours(1) }))
            {
                for (int i = 1; i <= 4; i++)
                {
                    await application.ExecuteAsync(string.Create(
                        System.Globalization.CultureInfo.InvariantCulture, $"UPDATE t SET b=randomblob(4000) WHERE id <= {6 - i}"));
                    await Until.HoldsAsync(() => Parts(folder).Length == i);
                }
            } // disposed, not stopped: nothing more is sent

            Assert.Equal(4, Parts(folder).Length);
            if (deletedWhileFolding >= 0)
            {
                Fold(folder, deletedWhileFolding);
            }

            ReplicationStatus status = await folder.OnceAsync();
            Assert.Equal(1, status.Destinations[0].FilesUploaded);
            Assert.True(deletedWhileFolding >= 0 || status.Scans == 0, "The record of the last part says where it ended.");
            Assert.Empty(Parts(folder));
        }

        await folder.EqualAsync();
    }

    [Fact]
    public async Task A_part_that_a_power_cut_took_ends_what_is_believed()
    {
        await using ReplicationFolder folder = new();
        using (ApplicationProcess application = await folder.OpenApplicationAsync(20))
        {
            await folder.OnceAsync();
            await using (Replicator replicator = await folder.StartAsync(folder.Options with { SyncInterval = TimeSpan.FromHours(1) }))
            {
                for (int i = 1; i <= 3; i++)
                {
                    await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id <= 5");
                    await Until.HoldsAsync(() => Parts(folder).Length == i);
                }
            }

            await using (FileStream part = new(Parts(folder)[1], FileMode.Open))
            {
                part.SetLength(part.Length / 2);
            }

            Assert.Equal(1, (await folder.OnceAsync()).Scans);
        }

        await folder.EqualAsync();
    }

    [Fact]
    public async Task Parts_are_flushed_as_one_before_their_frames_may_go_and_stay_so()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(20);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica, gathers: true);
        using var checkpointer = new Checkpointer(rig.Session, folder.Database, folder.Options);
        for (int i = 0; i < 3; i++)
        {
            application.Execute("UPDATE t SET b=randomblob(4000) WHERE id <= 5");
            Assert.True(checkpointer.Capture());
        }

        checkpointer.RunWhileIdle();
        Assert.False(checkpointer.HasWork);
        Assert.Single(Parts(folder));

        application.Commit(); // begins the WAL anew
        Assert.True(checkpointer.Capture());
        Assert.Equal((2, 2ul), (Parts(folder).Length, rig.Session.Captured.Txid));
        rig.Session.Seal();
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Fact]
    public async Task Growth_and_shrinking_within_one_interval_leave_the_last_image()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(60);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica, gathers: true);
        foreach (string sql in (string[])["DELETE FROM t WHERE id > 10", "VACUUM", "INSERT INTO t(b) SELECT randomblob(4000) FROM t", "DELETE FROM t WHERE id > 12; VACUUM"])
        {
            application.Execute(sql);
            Assert.True(rig.Session.Capture());
        }

        rig.Session.Seal();
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Fact]
    public async Task Sync_does_not_wait_for_the_interval()
    {
        await using ReplicationFolder folder = new();
        using (ApplicationProcess application = await folder.OpenApplicationAsync(20))
        {
            Replicator replicator = await folder.StartAsync(folder.Options with { SyncInterval = TimeSpan.FromHours(1) });
            await application.ExecuteAsync("UPDATE t SET b=1 WHERE id=3");
            await Until.HoldsAsync(() => Parts(folder).Length == 1);
            Assert.True(replicator.Status.Destinations[0].Lag > TimeSpan.Zero);
            await replicator.SyncAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Single(Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "0")));
            await replicator.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        }

        await folder.EqualAsync();
    }

    // As a kill leaves it after the merged part has taken the place of part 0, and so many of the others are gone.
    private static void Fold(ReplicationFolder folder, int deleted)
    {
        string[] parts = Parts(folder);
        byte[][] contents = [.. parts.Select(File.ReadAllBytes)];
        OpenTransaction.Recover(new LocalStateFolder(folder.Database));
        File.Move(Staged(folder).Single(), parts[0]);
        for (int i = 1 + deleted; i < parts.Length; i++)
        {
            File.WriteAllBytes(parts[i], contents[i]);
        }
    }

    private static string[] Parts(ReplicationFolder folder) =>
        [.. Directory.EnumerateFiles(Path.Combine(folder.State, "ltx", "0"), "*.part?").Order(StringComparer.Ordinal)];

    private static string[] Staged(ReplicationFolder folder) => [.. Directory.EnumerateFiles(Path.Combine(folder.State, "ltx", "0"), "*.ltx")];
}
