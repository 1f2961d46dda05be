using Litestream.Maintenance;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Maintenance;

public sealed class MaintenanceLifeTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 32;

    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(15);

    private static readonly MaintenanceOptions Quick = new()
    {
        Levels = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2)],
        SnapshotInterval = TimeSpan.FromMinutes(4),
        SnapshotRetention = TimeSpan.FromMinutes(5),
        Level0Retention = TimeSpan.FromSeconds(45),
    };

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_month_of_life_keeps_every_instant_inside_the_window_and_nothing_older()
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var life = new ReplicaLife(store, new MaintenanceOptions(), seed: 5);
        var check = new LifeCheck(life, seed: 6);
        await life.RestartAsync();
        await life.BeginAsync(512);
        Queue<DateTimeOffset> captures = Month(new Random(7));
        DateTimeOffset end = ReplicaLife.Birth.AddDays(30);
        int changes = store.Changes;
        int steps = 0;
        while (life.Clock.GetUtcNow() < end)
        {
            DateTimeOffset next = NextCheck(life.Clock.GetUtcNow());
            while (captures.TryPeek(out DateTimeOffset capture) && capture < next)
            {
                life.Clock.Advance(captures.Dequeue() - life.Clock.GetUtcNow());
                await life.CaptureAsync();
            }

            life.Clock.Advance(next - life.Clock.GetUtcNow());
            await life.CheckAsync();
            if (store.Changes != changes)
            {
                bool daily = ++steps % 200 == 0;
                await check.PassAsync(everyInstant: daily);
                changes = store.Changes;
            }
        }

        await check.PassAsync(everyInstant: true);
        Assert.True(steps > 500, $"Only {steps} checks did something.");
        Assert.True(life.Captures.Count > 800, $"Only {life.Captures.Count} captures.");
    }

    [Fact]
    public async Task An_idle_day_asks_the_store_nothing_and_changes_nothing()
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var life = new ReplicaLife(store, new MaintenanceOptions(), seed: 1);
        await life.RestartAsync();
        await life.BeginAsync(512);
        for (int i = 0; i < 50; i++)
        {
            life.Clock.Advance(TimeSpan.FromSeconds(20));
            await life.CaptureAsync();
            await life.CheckAsync();
        }

        // What the last commits still bring with them: merges, a full image, and in time the end of what is older than that.
        await PassAsync(life, TimeSpan.FromDays(3));
        int requests = store.Requests;
        await PassAsync(life, TimeSpan.FromDays(1));

        Assert.Equal(requests, store.Requests);
    }

    [Fact]
    public async Task A_busy_day_lists_nothing_and_costs_one_write_a_capture_and_few_more()
    {
        const int captures = 24 * 60 * 3; // one each 20 s; what merges cost does not depend on it
        using TemporaryFolder folder = new(inMemory: true);
        await using var store = new WatchedStore(ReplicaLocation.Parse(folder["replica"]).Open());
        var life = new ReplicaLife(store, new MaintenanceOptions(), seed: 2);
        await life.RestartAsync();
        await life.BeginAsync(512);
        await life.CheckAsync();
        (int lists, int reads, int writes) = (store.Lists, store.Reads, store.Writes);
        for (int i = 1; i <= captures; i++)
        {
            life.Clock.Advance(TimeSpan.FromSeconds(20));
            await life.CaptureAsync();
            await life.CheckAsync();
        }

        // A merge of level 1 every 30 s, of level 2 every 5 min, of level 3 every hour, and the day's full image.
        const int merges = (24 * 120) + (24 * 12) + 24;
        Assert.Equal(0, store.Lists - lists);
        Assert.InRange(store.Writes - writes, captures + merges - 3, captures + merges + 1);

        // Each merge and the image is read back once, and each input read once: of level 0 where it was captured, which costs no request.
        Assert.InRange(store.Reads - reads, captures + (2 * merges) - 100, captures + (2 * merges) + 100);
        output.WriteLine($"{captures} captures: {store.Writes - writes} writes, {store.Reads - reads} reads, {store.Lists - lists} listings");
    }

    private static async Task PassAsync(ReplicaLife life, TimeSpan time)
    {
        DateTimeOffset end = life.Clock.GetUtcNow() + time;
        while (life.Clock.GetUtcNow() < end)
        {
            life.Clock.Advance(CheckInterval);
            await life.CheckAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_interruption_after_any_change_loses_nothing(bool crash)
    {
        int total = await LiveAsync(_temporary["whole"], failAfter: null, crash);
        Assert.InRange(total, 50, 250);
        for (int failAfter = 0; failAfter < total; failAfter++)
        {
            await LiveAsync(_temporary[$"{failAfter}"], failAfter, crash);
            Directory.Delete(_temporary[$"{failAfter}"], recursive: true);
        }
    }

    [Fact]
    public async Task An_idle_database_costs_no_request()
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var life = new ReplicaLife(store, new MaintenanceOptions(), seed: 8);
        await life.RestartAsync();
        await life.BeginAsync(512);
        for (int i = 0; i < 50; i++)
        {
            life.Clock.Advance(TimeSpan.FromSeconds(11));
            await life.CaptureAsync();
        }

        await CheckForAsync(life, TimeSpan.FromDays(3));
        await new LifeCheck(life, 9).PassAsync(everyInstant: true);
        int requests = store.Requests;
        await CheckForAsync(life, TimeSpan.FromDays(3));
        Assert.Equal(requests, store.Requests);

        await life.RestartAsync();
        requests = store.Requests;
        await CheckForAsync(life, TimeSpan.FromDays(1));
        Assert.Equal(requests, store.Requests);
    }

    [Fact]
    public async Task A_new_page_size_begins_every_level_anew_behind_its_image()
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var life = new ReplicaLife(store, Quick, seed: 10);
        var check = new LifeCheck(life, seed: 11);
        await life.RestartAsync();
        foreach (int pageSize in (int[])[512, 1024, 512])
        {
            await life.BeginAsync(pageSize);
            for (int i = 0; i < 30; i++)
            {
                life.Clock.Advance(TimeSpan.FromSeconds(4));
                await life.CaptureAsync();
                await life.CheckAsync();
                await check.PassAsync();
            }
        }

        await CheckForAsync(life, TimeSpan.FromMinutes(4));
        await check.PassAsync(everyInstant: true);
    }

    [Fact]
    public async Task A_clock_set_back_stops_no_merging_and_loses_nothing()
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        var life = new ReplicaLife(store, Quick, seed: 12);
        var check = new LifeCheck(life, seed: 13);
        await life.RestartAsync();
        await life.BeginAsync(512);
        await LiveForAsync(life, TimeSpan.FromMinutes(3));
        life.Clock.Set(life.Clock.GetUtcNow().AddYears(-1));
        ulong setBack = life.Head;
        await LiveForAsync(life, TimeSpan.FromMinutes(20));

        List<ReplicaFile> files = await ReplicaListing.ReadAsync(store, CancellationToken.None);
        Assert.InRange(files.Count(file => file.Level == 0), 1, 30);
        Assert.InRange(files.Count(file => file.Level == 9), 2, 4);
        Assert.DoesNotContain(files, file => file.Name.MaxTxid <= setBack);
        await check.AssertImageAsync(files, life.Head);
        for (int seconds = 0; seconds < 300; seconds += 10)
        {
            DateTimeOffset instant = life.Clock.GetUtcNow().AddSeconds(-seconds);
            await check.AssertImageAsync(files, Litestream.Restoration.RestorePlanner.PlanAt(store.Location, files, instant).Txid);
        }
    }

    // A life with an image every few minutes; the interruption is answered by a crash and a new start, or by the next check.
    private static async Task<int> LiveAsync(string folder, int? failAfter, bool crash)
    {
        await using var store = new WatchedStore(ReplicaLocation.Parse(folder).Open());
        var life = new ReplicaLife(store, Quick, seed: 14);
        var check = new LifeCheck(life, seed: 15);
        await life.RestartAsync();
        await life.BeginAsync(512);
        store.FailAfter = store.Changes + failAfter;
        int before = store.Changes;
        for (int i = 0; i < Steps; i++)
        {
            life.Clock.Advance(CheckInterval);
            if (i % 8 != 5)
            {
                await life.CaptureAsync();
            }

            try
            {
                await life.CheckAsync();
            }
            catch (ReplicaUnreachableException)
            {
                await check.PassAsync(swept: false);
                if (crash)
                {
                    await life.RestartAsync();
                }

                continue;
            }

            if (i % 12 == 0 || i == Steps - 1)
            {
                await check.PassAsync(everyInstant: i == Steps - 1);
            }
        }

        return store.Changes - before;
    }

    private static async Task LiveForAsync(ReplicaLife life, TimeSpan time)
    {
        for (TimeSpan lived = TimeSpan.Zero; lived < time; lived += CheckInterval)
        {
            life.Clock.Advance(CheckInterval);
            await life.CaptureAsync();
            await life.CheckAsync();
        }
    }

    private static async Task CheckForAsync(ReplicaLife life, TimeSpan time)
    {
        for (TimeSpan lived = TimeSpan.Zero; lived < time; lived += CheckInterval)
        {
            life.Clock.Advance(CheckInterval);
            await life.CheckAsync();
        }
    }

    private static DateTimeOffset NextCheck(DateTimeOffset now) =>
        new(((now.UtcTicks / CheckInterval.Ticks) + 1) * CheckInterval.Ticks, TimeSpan.Zero);

    // Days of work with bursts and pauses, single commits at night, and days on which nothing happens.
    private static Queue<DateTimeOffset> Month(Random random)
    {
        SortedSet<DateTimeOffset> times = [];
        for (int day = 0; day < 30; day++)
        {
            int kind = random.Next(4);
            for (int i = kind == 0 ? 0 : random.Next(1, 8); i > 0; i--)
            {
                DateTimeOffset start = ReplicaLife.Birth.AddDays(day).AddMilliseconds(random.Next(1, 86_000_000));
                for (int n = random.Next(3) == 0 ? 1 : random.Next(2, 40); n > 0; n--)
                {
                    start = start.AddMilliseconds(kind == 1 ? random.Next(1, 400) : random.Next(200, 60_000));
                    times.Add(start);
                }
            }
        }

        return new Queue<DateTimeOffset>(times);
    }
}
