using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare.Works;

/// <summary>From the end of a commit until a file with it is in the replica: commits one by one, then, of ours, a thousand a second.</summary>
internal sealed class LagWork : IWork
{
    private const string Name = "lag of a commit";

    public async Task RunAsync(Bench bench)
    {
        foreach (ISubject subject in bench.Subjects)
        {
            (string database, string replica) = await PrepareSmallAsync(bench);
            using Measured run = Measured.Start(subject.Replicate(database, replica));
            await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
            List<double> lags = await MeasureAsync(bench, subject, run, database, replica);
            lags.Sort();
            bench.Figures.Add(Name, "p50 ms", subject.Name, lags[lags.Count / 2]);
            bench.Figures.Add(Name, "p95 ms", subject.Name, lags[(int)(lags.Count * 0.95)]);
            bench.Figures.Add(Name, "most ms", subject.Name, lags[^1]);
            await run.StopAsync();
        }

        await ManyAsync(bench);
    }

    private static async Task<(string Database, string Replica)> PrepareSmallAsync(Bench bench)
    {
        (string database, string replica) = (bench["small.db"], bench["replica"]);
        Files.Delete(database);
        Files.Delete(replica);
        await Bench.WriteAsync(database, "--commits", "1000", "--rows", "10");
        return (database, replica);
    }

    /// <summary>Commits of one row each, in silences of random length; how many milliseconds each was under way.</summary>
    internal static async Task<List<double>> MeasureAsync(Bench bench, ISubject subject, Measured run, string database, string replica)
    {
        Random random = new(1);
        List<double> lags = [];
        using SqliteConnection connection = new($"Data Source={database};Pooling=False;Default Timeout=10");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "INSERT INTO events(type, actor, repo, created_at, payload) SELECT type, actor, repo, created_at, payload FROM events LIMIT 1";
        await Task.Delay(TimeSpan.FromSeconds(2));
        for (int i = 0; i < bench.Options.Commits; i++)
        {
            await Task.Delay(random.Next(50, 1250));
            int files = subject.Changes(replica);
            command.ExecuteNonQuery();
            lags.Add(1000 * await run.UntilAsync(() => subject.Changes(replica) > files, Stopwatch.GetTimestamp()));
        }

        return lags;
    }

    private static async Task ManyAsync(Bench bench)
    {
        const string thousand = "lag at 1,000 commits a second";
        ISubject ours = bench.Subjects[0];
        for (int round = 0; round < bench.Options.Rounds; round++)
        {
            (string database, string replica) = await PrepareSmallAsync(bench);
            using Measured run = Measured.Start(ours.Replicate(database, replica));
            await run.UntilAsync(() => ours.Images(replica) > 0, Stopwatch.GetTimestamp());
            JsonElement report = await Bench.WriteAsync(database, "--rate", "1000", "--seconds", Bench.Text(bench.Options.Seconds), "--replica", replica);
            JsonElement lag = report.GetProperty("lag");
            bench.Figures.Add(thousand, "p50 ms", ours.Name, lag.GetProperty("p50Ms").GetDouble());
            bench.Figures.Add(thousand, "p99 ms", ours.Name, lag.GetProperty("p99Ms").GetDouble());
            bench.Figures.Add(thousand, "most ms", ours.Name, lag.GetProperty("maxMs").GetDouble());
            await run.StopAsync();
        }
    }
}
