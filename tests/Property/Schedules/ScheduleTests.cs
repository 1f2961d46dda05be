using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Schedules;

/// <summary>
/// Every order, to a depth, of an application's steps among the steps and statements of the replicator. The application acts before a
/// step, and before and after each of SQLite's statements inside it: between two pins, between a pin and the end of the last one.
/// </summary>
public sealed class ScheduleTests : IDisposable
{
    // In memory where there is such a place: thousands of checkpoints flush there.
    private readonly string _folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/litestream-test-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("litestream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_any_order_each_commit_is_captured_once_and_the_WAL_proves_it(bool fromMarkZero)
    {
        string database = Path.Combine(_folder, "app.db");
        using var writer = new ScheduledWriter(database);
        var options = new ReplicationOptions
        {
            DatabasePath = database,
            Destinations = [ReplicaLocation.Parse(Path.Combine(_folder, "replica"))],
            BusyTimeout = TimeSpan.Zero,
        };
        string schedule = "";
        using ScheduledCapture ours = await ScheduledCapture.StartAsync(
            database, writer.Image, options, image => Assert.True(writer.Reach(image), $"{schedule}: captured what never was committed."));
        (Action Step, string Name)[] steps = [(ours.Look, "look"), (() => ours.Capture(), "capture"), (ours.Checkpoint, "checkpoint"), (() => ours.Capture(), "capture")];
        int tried = 0;
        foreach (int first in Enumerable.Range(0, writer.Steps.Count))
        {
            foreach (int second in Enumerable.Range(0, writer.Steps.Count))
            {
                for (int at = 0, points = 1; at < points; at++)
                {
                    for (int then = at; then < points; then++)
                    {
                        schedule = $"{writer.Steps[first].Name} at point {at}, {writer.Steps[second].Name} at point {then}";
                        Rest(ours, writer, fromMarkZero);
                        points = Play(steps, [(at, writer.Steps[first].Run), (then, writer.Steps[second].Run)]);
                        Settle(ours);
                        Assert.True(writer.IsReached, $"{schedule}: not everything was captured.");
                        Assert.True(ours.Scans == 0, $"{schedule}: every page was compared.");
                        tried++;
                    }
                }
            }
        }

        Assert.True(tried > 10000, $"Only {tried} schedules.");
    }

    // The same state before each: all captured; the pin in mark 0, or in a later one with frames that are not copied.
    private static void Rest(ScheduledCapture ours, ScheduledWriter writer, bool markZero)
    {
        writer.Rest();
        ours.Checkpoint();
        if (!markZero)
        {
            writer.Steps[0].Run();
            ours.Capture();
        }

        writer.Rest();
    }

    // How many points there were.
    private static int Play(IEnumerable<(Action Step, string Name)> steps, (int Point, Action Run)[] actions)
    {
        int point = 0;
        foreach ((Action step, _) in steps)
        {
            Act();
            StatementScheduler.Run(step, Act);
        }

        return point;

        void Act()
        {
            foreach ((int _, Action run) in actions.Where(action => action.Point == point))
            {
                run();
            }

            point++;
        }
    }

    private static void Settle(ScheduledCapture ours)
    {
        while (ours.Capture())
        {
        }
    }
}
