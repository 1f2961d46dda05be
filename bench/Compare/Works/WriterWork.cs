using System.Diagnostics;
using System.Text.Json;

namespace Litestream.Bench.Compare.Works;

/// <summary>What a writer loses by being replicated: batches of ten rows at half of what it can do alone, and as fast as it can, with both settings of durability.</summary>
internal sealed class WriterWork : IWork
{
    private const string Alone = "writer alone";

    public async Task RunAsync(Bench bench)
    {
        foreach (string synchronous in (string[])["normal", "full"])
        {
            for (int round = 0; round < bench.Options.Rounds; round++)
            {
                (string database, _) = await bench.PrepareAsync();
                double rate = await WriteAsync(bench, database, synchronous, 0, Alone);
                int half = Math.Max(1, (int)(rate / 2));
                (database, _) = await bench.PrepareAsync();
                await WriteAsync(bench, database, synchronous, half, Alone);
                foreach (ISubject subject in round % 2 == 0 ? bench.Subjects : bench.Subjects.Reverse())
                {
                    await BesideAsync(bench, subject, synchronous, 0);
                    await BesideAsync(bench, subject, synchronous, half);
                }
            }
        }
    }

    private static async Task BesideAsync(Bench bench, ISubject subject, string synchronous, int rate)
    {
        (string database, string replica) = await bench.PrepareAsync();
        using Measured run = Measured.Start(subject.Replicate(database, replica));
        await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
        await WriteAsync(bench, database, synchronous, rate, subject.Name);
        await run.StopAsync();
    }

    private static async Task<double> WriteAsync(Bench bench, string database, string synchronous, int rate, string subject)
    {
        JsonElement report = await Bench.WriteAsync(
            database, "--rows", "10", "--rate", Bench.Text(rate), "--synchronous", synchronous, "--seconds", Bench.Text(Math.Max(5, bench.Options.Seconds / 2)));
        string name = $"writer, synchronous={synchronous}, {(rate == 0 ? "full speed" : "half speed")}";
        double commits = report.GetProperty("commitsPerSecond").GetDouble();
        bench.Figures.Add(name, "commits a second", subject, commits);
        bench.Figures.Add(name, "transaction p50 ms", subject, report.GetProperty("transactionP50Ms").GetDouble());
        bench.Figures.Add(name, "transaction p99 ms", subject, report.GetProperty("transactionP99Ms").GetDouble());
        return commits;
    }
}
