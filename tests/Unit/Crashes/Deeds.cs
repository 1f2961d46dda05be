using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Maintenance;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>What is interrupted: each runs once in a process of its own, on a folder with app.db, replica and the local state.</summary>
internal static class Deeds
{
    /// <summary>Says "ready", waits for a line, does it, says how it ended.</summary>
    /// <param name="args">Its name, and the folder.</param>
    public static async Task RunAsync(string[] args)
    {
        Console.WriteLine("ready");
        await Console.In.ReadLineAsync();
        try
        {
            await DoAsync(args[0], args[1]);
            Console.WriteLine("done");
        }
        catch (LitestreamException e)
        {
            Console.WriteLine($"{e.ErrorId}: {e.Message}");
        }
    }

    /// <summary>Does it.</summary>
    public static Task DoAsync(string deed, string folder) => deed switch
    {
        "begin" or "replicate" => ReplicateAsync(folder, commits: 0),
        "continue" => ReplicateAsync(folder, commits: 3),
        "maintain" => MaintainAsync(folder),
        "restore" => RestoreAsync(folder, "copy.db"),
        "replace" => RestoreAsync(folder, "followed.db"),
        "follow" => FollowAsync(folder, force: false),
        "follow anew" => FollowAsync(folder, force: true),
        _ => throw new ArgumentOutOfRangeException(nameof(deed)),
    };

    // A start, a base image if there is none, capture of what waits in the WAL, a checkpoint, upload; then commits that go the same way; the end.
    private static async Task ReplicateAsync(string folder, int commits)
    {
        string database = Path.Combine(folder, "app.db");
        await using var replicator = new Replicator(new ReplicationOptions
        {
            DatabasePath = database,
            Destinations = [ReplicaLocation.Parse(Path.Combine(folder, "replica"))],
            CheckpointBytes = 1,
            MaxRetryInterval = TimeSpan.FromMilliseconds(300),
        });
        await replicator.StartAsync(CancellationToken.None);
        await replicator.SyncAsync(CancellationToken.None);
        for (int i = 0; i < commits; i++)
        {
            using (Application application = new(database, "PRAGMA synchronous=NORMAL"))
            {
                application.Execute("UPDATE t SET b=randomblob(4000) WHERE id % 5 = 1");
            }

            await replicator.SyncAsync(CancellationToken.None);
        }

        await replicator.StopAsync(CancellationToken.None);
    }

    // Two days later: everything is merged up to the last level, and what is covered expires.
    private static async Task MaintainAsync(string folder)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(Path.Combine(folder, "replica")).Open();
        await using IReplicaLease lease = await store.AcquireAsync(ReplicaOwner.Current(folder, DateTimeOffset.UtcNow), CancellationToken.None);
        var catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(store, CancellationToken.None));
        var schedule = new MaintenanceSchedule(store, catalogue, new MaintenanceOptions(), new ManualClock(DateTimeOffset.UtcNow.AddDays(2)));
        await schedule.MergeAsync(CancellationToken.None);
        await schedule.DeleteExpiredAsync(CancellationToken.None);
    }

    private static Task<RestoreResult> RestoreAsync(string folder, string target) => DatabaseRestorer.RestoreAsync(
        new RestoreOptions { Source = ReplicaLocation.Parse(Path.Combine(folder, "replica")), OutputPath = Path.Combine(folder, target), Force = true },
        progress: null,
        CancellationToken.None);

    private static Task<FollowStatus> FollowAsync(string folder, bool force) => Follower.RunAsync(
        new FollowOptions
        {
            Source = ReplicaLocation.Parse(Path.Combine(folder, "replica")),
            OutputPath = Path.Combine(folder, "followed.db"),
            Force = force,
            Once = true,
        },
        progress: null,
        CancellationToken.None);
}
