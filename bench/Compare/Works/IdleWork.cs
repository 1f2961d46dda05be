using System.Diagnostics;

namespace Litestream.Bench.Compare.Works;

/// <summary>One database that nobody writes to.</summary>
internal sealed class IdleWork : IWork
{
    private const string Name = "idle";

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(10);

    public async Task RunAsync(Bench bench)
    {
        foreach (ISubject subject in bench.Subjects)
        {
            (string database, string replica) = await bench.PrepareAsync();
            using Measured run = Measured.Start(subject.Replicate(database, replica));
            await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
            await Task.Delay(Settle);
            double before = run.Cpu;
            await Task.Delay(TimeSpan.FromSeconds(bench.Options.Seconds));
            bench.Figures.Add(Name, "% of one core", subject.Name, 100 * (run.Cpu - before) / bench.Options.Seconds);
            bench.Figures.Add(Name, "resident MB", subject.Name, run.Megabytes);
            await run.StopAsync();
        }
    }
}
