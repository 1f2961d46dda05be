using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare.Works;

/// <summary>What each piece of work costs as the database grows: ours alone, one database after the other, each from its first image on.</summary>
internal sealed class GrowthWork : IWork
{
    public const string Image = "base image";
    public const string Idle = "idle";
    public const string Commit = "commit of one row";
    public const string CleanStart = "restart beside the application";
    public const string ColdStart = "restart after all have closed";
    public const string CrashStart = "restart after a crash and a fixed change";
    public const string Restore = "restore";

    public bool OnlyOurs => true;

    public async Task RunAsync(Bench bench)
    {
        double engine = (await Measured.RunAsync([Environment.ProcessPath!, Child.NothingVerb, "", ""])).Peak;
        foreach (int megabytes in bench.Options.Sizes)
        {
            Extent extent = new(megabytes, "MB");
            if (!bench.HasTimeFor(extent))
            {
                return;
            }

            await new OneSize(bench, extent, engine).RunAsync();
        }
    }

    private sealed class OneSize(Bench bench, Extent extent, double engine)
    {
        // A little more than a merge's interval, and until the looks at the WAL have become rare.
        private static readonly TimeSpan Settle = TimeSpan.FromSeconds(45);
        private static readonly TimeSpan BeforeCrash = TimeSpan.FromSeconds(3);

        private readonly string _database = bench["growth.db"];
        private readonly string _replica = bench["growth-replica"];

        public async Task RunAsync()
        {
            await SizedDatabase.MakeAsync(_database, (long)extent.Count * 1_000_000);
            await ImagesAsync();
            await RunningAsync();
            await StartsAsync();
            foreach (int round in bench.RoundsInTime())
            {
                await CrashStartAsync(round);
            }

            await RestoresAsync();
            Files.Delete(_database);
            Files.Delete(_replica);
        }

        private async Task ImagesAsync()
        {
            foreach (int round in bench.RoundsInTime())
            {
                Files.DeleteState(_database);
                Files.Delete(_replica);
                long began = Stopwatch.GetTimestamp();
                using Measured run = Start();
                Add(Image, "wall s", await run.UntilAsync(() => bench.Ours.Images(_replica) > 0, began));
                Add(Image, "processor s", run.Cpu);
                Add(Image, "peak memory MB", run.PeakMegabytes);
                Add(Image, "peak MB above a bare start", run.PeakMegabytes - engine);
                await run.StopAsync();
            }
        }

        private async Task RunningAsync()
        {
            using Measured run = Start();
            await run.UntilAsync(() => run.Lines > 0, Stopwatch.GetTimestamp());
            await Task.Delay(Settle);
            await IdleSpan.MeasureAsync(bench, run, Idle, extent);
            List<double> lags = await LagWork.MeasureAsync(bench, bench.Ours, run, _database, _replica);
            lags.Sort();
            Add(Commit, "lag p50 ms", lags[lags.Count / 2]);
            Add(Commit, "lag, most ms", lags[^1]);
            await run.StopAsync();
        }

        // Where the last connection closes, SQLite deletes the WAL and with it what proves that nothing was missed.
        private async Task StartsAsync()
        {
            foreach (int round in bench.RoundsInTime())
            {
                await StartAsync(ColdStart);
            }

            using SqliteConnection application = new($"Data Source={_database};Pooling=False;Default Timeout=10");
            application.Open();
            using SqliteCommand command = application.CreateCommand();
            command.CommandText = "UPDATE events SET actor = actor WHERE id = 1";
            command.ExecuteNonQuery();
            using (Measured run = Start())
            {
                await run.UntilAsync(() => run.Lines > 0, Stopwatch.GetTimestamp());
                await run.StopAsync();
            }

            foreach (int round in bench.RoundsInTime())
            {
                await StartAsync(CleanStart);
            }
        }

        private async Task StartAsync(string work)
        {
            long began = Stopwatch.GetTimestamp();
            using Measured run = Start();
            Add(work, "wall s until it streams", await run.UntilAsync(() => run.Lines > 0, began));
            Add(work, "processor s", run.Cpu);
            Add(work, "MB read, program and runtime included", run.ReadMegabytes);
            await run.StopAsync();
        }

        private async Task CrashStartAsync(int round)
        {
            using (Measured run = Start())
            {
                await run.UntilAsync(() => run.Lines > 0, Stopwatch.GetTimestamp());
                await Task.Delay(BeforeCrash);
                await run.CrashAsync();
            }

            long changed = FixedChange.Make(_database, round);
            string? newest = Newest();
            long bytes = Files.Bytes(_replica);
            long began = Stopwatch.GetTimestamp();
            using Measured again = Start();
            Add(CrashStart, "wall s until it is sent", await again.UntilAsync(() => Newest() != newest, began));
            Add(CrashStart, "processor s", again.Cpu);
            Add(CrashStart, "MB read, program and runtime included", again.ReadMegabytes);
            Add(CrashStart, "peak memory MB", again.PeakMegabytes);
            Add(CrashStart, "MB changed", changed / 1e6);
            Add(CrashStart, "MB sent", (Files.Bytes(_replica) - bytes) / 1e6);
            await again.StopAsync();
        }

        private async Task RestoresAsync()
        {
            Bench.Execute(_database, "PRAGMA wal_checkpoint(TRUNCATE)");
            string output = bench["restored.db"];
            foreach (int round in bench.RoundsInTime())
            {
                Files.Delete(output);
                (double wall, double cpu, double peak, _) = await Measured.RunAsync(bench.Ours.Restore(_replica, output));
                Add(Restore, "wall s", wall);
                Add(Restore, "processor s", cpu);
                Add(Restore, "peak memory MB", peak);
                Add(Restore, "peak MB above a bare start", peak - engine);
            }

            if (!Files.AreSame(_database, output))
            {
                throw new InvalidOperationException("What was restored is not the database.");
            }

            Files.Delete(output);
        }

        private Measured Start() => Measured.Start(bench.Ours.Replicate(_database, _replica));

        // The newest captured file or full image: a restart sends one or the other.
        private string? Newest() => Directory.EnumerateFiles(Path.Combine(_replica, "ltx"), "*.ltx", SearchOption.AllDirectories)
            .Select(Path.GetFileName).MaxBy(name => name!.Split('-')[1], StringComparer.Ordinal);

        private void Add(string work, string measure, double value) => bench.Figures.Add(work, measure, bench.Ours.Name, value, extent);
    }
}
