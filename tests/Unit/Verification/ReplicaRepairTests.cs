using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Ltx;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Restoration;
using Litestream.Tests.Unit.Sqlite;
using Litestream.Verification;
using Microsoft.Data.Sqlite;

namespace Litestream.Tests.Unit.Verification;

/// <summary>What a repair sends, and that nobody can apply it to a state that it does not fit.</summary>
public sealed class ReplicaRepairTests
{
    private const string Same = "UPDATE t SET b = zeroblob(4000) WHERE id = 3";
    private const string Other = "UPDATE t SET b = hex(zeroblob(2000)) WHERE id = 3";

    [Fact]
    public async Task After_a_gap_only_what_differs_from_the_last_good_point_is_sent()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 300);
        await CaptureAsync(folder, application, Same, "DELETE FROM t WHERE id > 290; VACUUM", Other);
        File.Delete(Captured(folder)[1]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");

        RepairReport report = await RepairAsync(folder.Options);

        Assert.Equal((VerificationOutcome.Pass, false), (report.After.Outcome, report.IsFullImage));
        Assert.InRange(report.BytesSent, 1, Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "9")).Sum(path => new FileInfo(path).Length) / 4);
        await application.ExecuteAsync(Same);
        ReplicationStatus next = await folder.OnceAsync();
        Assert.Equal((0, 0), (next.Destinations[0].BaseImages, next.Scans));
        application.Dispose();
        Assert.Equal(next.ReplicaTxid, await EqualAsync(folder, folder.Replica));
        Assert.Equal(0UL, (await RepairAsync(folder.Options)).Txid);
    }

    [Fact]
    public async Task Without_a_whole_image_a_full_one_is_sent()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        await CaptureAsync(folder, application, Same);
        Spoil(Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "9")).Single());

        RepairReport report = await RepairAsync(folder.Options);

        Assert.Equal((VerificationOutcome.Pass, true), (report.After.Outcome, report.IsFullImage));
        application.Dispose();
        await EqualAsync(folder, folder.Replica);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_follower_that_stands_behind_the_last_good_point_is_not_led_astray(bool nodeIds)
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        await CaptureAsync(folder, application, Same, Other, "INSERT INTO t(b) VALUES(1)");
        string[] files = Captured(folder);
        if (!nodeIds)
        {
            await WithoutNodeAsync(files[^1]);
        }

        await FollowAsync(folder);
        Spoil(files[^2]);

        // As it was at the last good point: the page is not among those that differ from there.
        await application.ExecuteAsync(Same);
        RepairReport report = await RepairAsync(folder.Options);
        await FollowAsync(folder);

        Assert.Equal((VerificationOutcome.Pass, !nodeIds), (report.After.Outcome, report.IsFullImage));
        using SqliteConnection copy = SqliteFile.Open(folder["copy.db"]);
        using SqliteCommand command = copy.CreateCommand();
        command.CommandText = "SELECT b = zeroblob(4000) FROM t WHERE id = 3";
        Assert.Equal(1L, command.ExecuteScalar());
    }

    [Fact]
    public async Task Another_destination_gets_what_it_lacks_after_the_first_was_repaired()
    {
        await using ReplicationFolder folder = new();
        ReplicationOptions both = folder.Options with
        {
            Destinations = [ReplicaLocation.Parse(folder.Replica), ReplicaLocation.Parse(folder["second"])],
        };
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        await folder.OnceAsync(both);
        await application.ExecuteAsync(Other);
        await folder.OnceAsync(both);
        Spoil(Captured(folder)[^1]);
        await RepairAsync(folder.Options);

        await application.ExecuteAsync(Same);
        await folder.OnceAsync(both);

        application.Dispose();
        Assert.Equal(await EqualAsync(folder, folder.Replica), await EqualAsync(folder, folder["second"]));
    }

    private static Task<RepairReport> RepairAsync(ReplicationOptions options) =>
        ReplicaRepair.RunAsync(options, _ => Task.FromResult(true), CancellationToken.None);

    private static async Task CaptureAsync(ReplicationFolder folder, ApplicationProcess application, params string[] statements)
    {
        await folder.OnceAsync();
        foreach (string statement in statements)
        {
            await application.ExecuteAsync(statement);
            await folder.OnceAsync();
        }
    }

    private static string[] Captured(ReplicationFolder folder) => [.. Directory.EnumerateFiles(Path.Combine(folder.Replica, "ltx", "0")).Order()];

    private static Task<FollowStatus> FollowAsync(ReplicationFolder folder) => Follower.RunAsync(
        new FollowOptions { Source = ReplicaLocation.Parse(folder.Replica), OutputPath = folder["copy.db"], Once = true }, null, CancellationToken.None);

    // Nobody has the database open.
    private static async Task<ulong> EqualAsync(ReplicationFolder folder, string replica)
    {
        using (Application last = new(folder.Database))
        {
            last.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE);
        }

        RestoreResult restored = await DatabaseRestorer.RestoreAsync(
            new RestoreOptions { Source = ReplicaLocation.Parse(replica), OutputPath = folder["restored.db"], Force = true, SeedLocalState = false },
            null,
            CancellationToken.None);
        Images.Equal(folder.Database, folder["restored.db"]);
        return restored.Txid;
    }

    private static void Spoil(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x55;
        File.WriteAllBytes(path, bytes);
    }

    // As Litestream would have written it.
    private static async Task WithoutNodeAsync(string path)
    {
        DateTime time = File.GetLastWriteTimeUtc(path);
        List<(uint Number, byte[] Page)> pages = [];
        LtxHeader header;
        await using (LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(await File.ReadAllBytesAsync(path)), path, CancellationToken.None))
        {
            header = decoder.Header;
            byte[] page = new byte[header.PageSize];
            uint number;
            while ((number = await decoder.ReadPageAsync(page, CancellationToken.None)) != 0)
            {
                pages.Add((number, [.. page]));
            }
        }

        LtxSpecimen specimen = new()
        {
            PageSize = (uint)header.PageSize,
            Commit = header.Commit,
            MinTxid = header.MinTxid,
            MaxTxid = header.MaxTxid,
            Timestamp = header.Timestamp,
            Pages = pages,
        };
        await File.WriteAllBytesAsync(path, specimen.ToBytes());
        File.SetLastWriteTimeUtc(path, time);
    }
}
