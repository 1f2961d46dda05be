using System.Diagnostics;
using System.Text.Json;

namespace Litestream.Bench.Compare.Works;

/// <summary>Batches of a hundred rows as fast as the writer can, alone and beside each subject.</summary>
internal sealed class SpeedWork : IWork
{
    private const string Name = "full-speed batches";
    private const string Alone = "writer alone";

    public async Task RunAsync(Bench bench)
    {
        for (int round = 0; round < bench.Options.Rounds; round++)
        {
            (string database, _) = await bench.PrepareAsync();
            (JsonElement report, _) = await WriteAsync(bench, database);
            bench.Figures.Add(Name, "rows a second", Alone, RowsPerSecond(report));
            foreach (ISubject subject in round % 2 == 0 ? bench.Subjects : bench.Subjects.Reverse())
            {
                await BesideAsync(bench, subject);
            }

            await LagAsync(bench);
        }
    }

    private static async Task BesideAsync(Bench bench, ISubject subject)
    {
        (string database, string replica) = await bench.PrepareAsync();
        using Measured run = Measured.Start(subject.Replicate(database, replica));
        await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
        double before = run.Cpu;
        (JsonElement report, long wal) = await WriteAsync(bench, database);
        bench.Figures.Add(Name, "rows a second", subject.Name, RowsPerSecond(report));
        bench.Figures.Add(Name, "processor s of the replicator", subject.Name, run.Cpu - before);
        bench.Figures.Add(Name, "processor µs of the replicator a row", subject.Name, 1e6 * (run.Cpu - before) / Rows(report));
        bench.Figures.Add(Name, "WAL grew to MB", subject.Name, wal / 1e6);
        bench.Figures.Add(Name, "peak memory MB", subject.Name, run.PeakMegabytes);
        bench.Figures.Add(Name, "s to stop", subject.Name, await run.StopAsync());
    }

    // A run of its own: the watching takes a little from the writer.
    private static async Task LagAsync(Bench bench)
    {
        (string database, string replica) = await bench.PrepareAsync();
        using Measured run = Measured.Start(bench.Ours.Replicate(database, replica));
        await run.UntilAsync(() => bench.Ours.Images(replica) > 0, Stopwatch.GetTimestamp());
        (JsonElement report, _) = await WriteAsync(bench, database, "--replica", replica);
        JsonElement lag = report.GetProperty("lag");
        bench.Figures.Add(Name, "lag p50 ms", bench.Ours.Name, lag.GetProperty("p50Ms").GetDouble());
        bench.Figures.Add(Name, "lag p99 ms", bench.Ours.Name, lag.GetProperty("p99Ms").GetDouble());
        bench.Figures.Add(Name, "lag, most ms", bench.Ours.Name, lag.GetProperty("maxMs").GetDouble());
        bench.Figures.Add(Name, "commits that no file held 10 s after the end", bench.Ours.Name, lag.GetProperty("unmatched").GetInt32());
        await run.StopAsync();
    }

    private static async Task<(JsonElement Report, long Wal)> WriteAsync(Bench bench, string database, params string[] more)
    {
        using Measured writer = Bench.StartWriter(database, ["--rate", "0", "--rows", "100", "--seconds", Bench.Text(bench.Options.Seconds), .. more]);
        Task<string> end = writer.EndAsync();
        long most = 0;
        while (!end.IsCompleted)
        {
            most = Math.Max(most, Files.Length(database + "-wal"));
            await Task.WhenAny(end, Task.Delay(TimeSpan.FromMilliseconds(50)));
        }

        return (Bench.Report(await end), most);
    }

    private static double RowsPerSecond(JsonElement report) => Rows(report) / report.GetProperty("seconds").GetDouble();

    private static double Rows(JsonElement report) => report.GetProperty("rows").GetInt64();
}
