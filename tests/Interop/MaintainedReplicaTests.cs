using System.Globalization;
using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Restoration;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>What we merge, snapshot and delete is still a replica for Litestream: now, and at every time that we can restore.</summary>
public sealed class MaintainedReplicaTests(LitestreamVfs vfs, ITestOutputHelper output) : InteropTest(vfs, output)
{
    private const string Rows = "SELECT * FROM events ORDER BY id";
    private const string Schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name";
    private const int Steps = 60;

    private static readonly MaintenanceOptions Options = new()
    {
        Levels = [TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1)],
        SnapshotInterval = TimeSpan.FromHours(2),
        SnapshotRetention = TimeSpan.FromHours(3),
        Level0Retention = TimeSpan.FromMinutes(20),
    };

    [Fact]
    public async Task Litestream_reads_a_maintained_replica_at_every_time_that_we_restore()
    {
        if (!HasLitestream())
        {
            return;
        }

        Dictionary<ulong, byte[]> images = await LiveAsync();
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, CancellationToken.None);
        Assert.Equal([0, 1, 2, 3, LtxFileName.SnapshotLevel], files.Select(file => file.Level).Distinct().Order());
        Assert.DoesNotContain(files, file => file.Name.MinTxid == 2); // the retention was at work
        string[] live = await LitestreamVfs.QueryDatabaseAsync(Database, Rows, Schema);
        string[] newest = await Vfs.QueryAsync(Replica, Rows, Schema, "SELECT litestream_txid()");
        Assert.Equal([.. live, $"'{Steps:x16}'\n"], newest);
        RestorePoints points = await RestorePoints.ListAsync(store, CancellationToken.None);
        Assert.True(points.All.Count > 10, $"Only {points.All.Count} points.");
        foreach (RestorePoint point in points.All.Where((_, i) => i % 2 == 0))
        {
            // Litestream takes what is older than the time, we what is no younger.
            DateTimeOffset time = point.Timestamp + TimeSpan.FromSeconds(1);
            RestoreOptions restore = new() { Source = ReplicaLocation.Parse(Replica), OutputPath = Restored, TargetTime = time, Force = true };
            RestoreResult result = await DatabaseRestorer.RestoreAsync(restore, null, CancellationToken.None);
            Assert.Equal(point.Txid, result.Txid);
            Assert.Equal(images[point.Txid], await File.ReadAllBytesAsync(Restored));

            // Not the size: its VFS takes that of the largest page in any file, also after the database has shrunk.
            string[] expected = await LitestreamVfs.QueryDatabaseAsync(Restored, Rows, Schema);
            string travel = string.Create(CultureInfo.InvariantCulture, $"PRAGMA litestream_time = '{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}'");
            string[] seen = await Vfs.QueryAsync(Replica, travel, Rows, Schema);
            Assert.True(expected[0].Length > 1000);
            Assert.Equal(expected, seen[1..]);
        }
    }

    /// <summary>A working day of captures, each followed by the maintenance that is due then; the database's image after each.</summary>
    private async Task<Dictionary<ulong, byte[]>> LiveAsync()
    {
        HandMadeReplica replica = new(Database, Replica) { Step = TimeSpan.FromMinutes(7) };
        await WriteEventsAsync(commits: 20, rows: 10);
        await using IReplicaStore store = ReplicaLocation.Parse(Replica).Open();
        Clock clock = new();
        ReplicaCatalogue catalogue = new([]);
        MaintenanceSchedule schedule = new(store, catalogue, Options, clock);
        Dictionary<ulong, byte[]> images = [];
        for (ulong txid = 1; txid <= Steps; txid++)
        {
            if (txid > 1)
            {
                Execute(Change(txid));
            }

            clock.Now = HandMadeReplica.Begin + (replica.Step * txid);
            catalogue.Add((txid == 1 ? await replica.PutImageAsync(txid) : await replica.PutChangesAsync(txid)).File);
            images[txid] = await File.ReadAllBytesAsync(Database);
            await schedule.MergeAsync(CancellationToken.None);
            await schedule.MakeImageAsync(async _ => await replica.PutImageAsync(txid), CancellationToken.None);
            await schedule.DeleteExpiredAsync(CancellationToken.None);
        }

        return images;
    }

    private static string Change(ulong txid) => (txid % 10) switch
    {
        3 => "DELETE FROM events WHERE id % 4 = 0; VACUUM",
        6 => $"CREATE TABLE t{txid}(x); INSERT INTO t{txid} VALUES(randomblob(50000))",
        8 => $"DROP TABLE t{txid - 2}",
        _ => "INSERT INTO events SELECT max(id) + 1, type, actor, repo, created_at, payload FROM events; UPDATE events SET payload = upper(payload) || id WHERE id % 13 = 0",
    };

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Now.UtcTicks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    }
}
