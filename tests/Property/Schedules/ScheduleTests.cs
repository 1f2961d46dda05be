using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Schedules;

/// <summary>
/// Every order of two of an application's steps among the steps and statements of the replicator, and drawn orders of more of them:
/// LITESTREAM_PROPERTY_SCALE times as many, at 100 every order of three. The application acts before a step, and before and after each of
/// SQLite's statements inside it: between two pins, between a pin and the end of the last one.
/// </summary>
public sealed class ScheduleTests : IDisposable
{
    private const int DrawnOrders = 3000;

    // In memory where there is such a place: thousands of checkpoints flush there.
    private readonly string _folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/litestream-test-{Guid.NewGuid():N}").FullName
        : Directory.CreateTempSubdirectory("litestream-test-").FullName;

    // How many points the last schedule had: what the application does changes which statements are ours.
    private int _points = 1;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_any_order_each_commit_is_captured_once_and_the_WAL_proves_it(bool fromMarkZero)
    {
        int tried = await TryAsync(fromMarkZero, writer => Every(writer, depth: 2));
        Assert.True(tried > 10000, $"Only {tried} schedules.");
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(3, true)]
    [InlineData(5, false)]
    public async Task In_drawn_orders_of_more_steps_each_commit_is_captured_once_and_the_WAL_proves_it(int depth, bool fromMarkZero) =>
        await TryAsync(fromMarkZero, writer => depth == 3 && PropertySettings.Scale >= 100
            ? Every(writer, depth)
            : Drawn(writer, depth, DrawnOrders * PropertySettings.Scale));

    private async Task<int> TryAsync(bool fromMarkZero, Func<ScheduledWriter, IEnumerable<(int Point, int Step)[]>> orders)
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
        foreach ((int Point, int Step)[] order in orders(writer))
        {
            schedule = string.Join(", ", order.Select(action => $"{writer.Steps[action.Step].Name} at point {action.Point}"));
            Rest(ours, writer, fromMarkZero);
            _points = Play(steps, [.. order.Select(action => (action.Point, writer.Steps[action.Step].Run))]);
            Settle(ours);
            Assert.True(writer.IsReached, $"{schedule}: not everything was captured.");
            Assert.True(ours.Scans == 0, $"{schedule}: every page was compared.");
            tried++;
        }

        return tried;
    }

    private IEnumerable<(int Point, int Step)[]> Every(ScheduledWriter writer, int depth)
    {
        int kinds = writer.Steps.Count;
        for (int combination = 0; combination < Math.Pow(kinds, depth); combination++)
        {
            int[] steps = [.. Enumerable.Range(0, depth).Select(i => combination / (int)Math.Pow(kinds, i) % kinds)];
            int[] points = new int[depth];
            int moved = 0;
            _points = 1;
            while (moved >= 0)
            {
                yield return [.. points.Zip(steps)];

                // The next points in order: the last that can move does, and those behind it begin there.
                moved = Array.FindLastIndex(points, point => point < _points - 1);
                if (moved >= 0)
                {
                    Array.Fill(points, points[moved] + 1, moved, depth - moved);
                }
            }
        }
    }

    private IEnumerable<(int Point, int Step)[]> Drawn(ScheduledWriter writer, int depth, int count)
    {
        var random = new Random(PropertySettings.Seed);
        for (int i = 0; i < count; i++)
        {
            yield return [.. Enumerable.Range(0, depth).Select(_ => random.Next(_points)).Order().Select(point => (point, random.Next(writer.Steps.Count)))];
        }
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
