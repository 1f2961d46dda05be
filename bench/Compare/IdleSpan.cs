namespace Litestream.Bench.Compare;

/// <summary>What a replicator costs while nobody writes.</summary>
internal static class IdleSpan
{
    /// <summary>Watches our replicator for as long as the options say.</summary>
    /// <param name="bench">Where figures go.</param>
    /// <param name="run">This program as the subject.</param>
    /// <param name="work">What the figures are of.</param>
    /// <param name="extent">How large the work was.</param>
    public static async Task MeasureAsync(Bench bench, Measured run, string work, Extent extent)
    {
        ChildCounters before = await run.CountersAsync();
        double cpu = run.Cpu;
        double resident = run.Megabytes;
        var files = Files.Survey(bench["."]);
        await Task.Delay(TimeSpan.FromSeconds(bench.Options.Seconds));
        Add("% of one core", 100 * (run.Cpu - cpu) / bench.Options.Seconds);
        Add("resident MB", run.Megabytes);
        Add("resident MB grown", run.Megabytes - resident);
        Add("threads", run.Threads);
        Add("files written", Files.Survey(bench["."]).Except(files).Count());
        ChildCounters after = await run.CountersAsync();
        Add("operations on the replica", after.Operations - before.Operations);
        Add("KB allocated a second", (after.AllocatedBytes - before.AllocatedBytes) / 1e3 / bench.Options.Seconds);

        void Add(string measure, double value) => bench.Figures.Add(work, measure, bench.Ours.Name, value, extent);
    }
}
