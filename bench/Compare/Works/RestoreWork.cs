using System.Diagnostics;
using System.Globalization;

namespace Litestream.Bench.Compare.Works;

/// <summary>
/// Restores a replica of an image and of what was written behind it, from start to end of the program. Each subject restores what itself
/// replicated; the result must be the database byte for byte.
/// </summary>
internal sealed class RestoreWork : IWork
{
    private const string Name = "restore";
    private const string Test = "test that restores and compares";

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    public async Task RunAsync(Bench bench)
    {
        Dictionary<ISubject, (string Database, string Replica)> replicas = [];
        foreach (ISubject subject in bench.Subjects)
        {
            replicas[subject] = await ReplicateAsync(bench, subject);
        }

        string output = bench["restored.db"];
        foreach (ISubject subject in bench.Turns())
        {
            (string database, string replica) = replicas[subject];
            Files.Delete(output);
            (double wall, double cpu, double peak, _) = await Measured.RunAsync(subject.Restore(replica, output));
            bench.Figures.Add(Name, "wall s", subject.Name, wall);
            bench.Figures.Add(Name, "processor s", subject.Name, cpu);
            bench.Figures.Add(Name, "peak memory MB", subject.Name, peak);
            if (!Files.AreSame(database, output))
            {
                throw new InvalidOperationException($"What {subject.Name} restored is not the database.");
            }

            if (subject == bench.Subjects[0])
            {
                long began = Stopwatch.GetTimestamp();
                Files.CopyDurably(output, bench["copy.db"]);
                bench.Figures.Add(Name, "wall s", "cp and fsync", Stopwatch.GetElapsedTime(began).TotalSeconds);
                (double start, _, _, _) = await Measured.RunAsync([Environment.ProcessPath!, Child.NothingVerb, "", ""]);
                bench.Figures.Add(Name, "wall s of a program that does nothing", subject.Name, start);
                await TestAsync(bench, "", [Environment.ProcessPath!, Child.CompareBytesVerb, database, replica], wall);
                await TestAsync(bench, ", SQLite checks the copy", [Environment.ProcessPath!, Child.CompareVerb, database, replica], wall);
            }
        }
    }

    private static async Task TestAsync(Bench bench, string what, string[] command, double restore)
    {
        (double wall, double cpu, double peak, _) = await Measured.RunAsync(command);
        bench.Figures.Add(Test, "wall s" + what, bench.Ours.Name, wall);
        bench.Figures.Add(Test, "wall s, times the restore in the same turn" + what, bench.Ours.Name, wall / restore);
        bench.Figures.Add(Test, "processor s" + what, bench.Ours.Name, cpu);
        bench.Figures.Add(Test, "peak memory MB" + what, bench.Ours.Name, peak);
    }

    private static async Task<(string Database, string Replica)> ReplicateAsync(Bench bench, ISubject subject)
    {
        (string database, string replica) = await bench.PrepareAsync();
        using (Measured run = Measured.Start(subject.Replicate(database, replica)))
        {
            await run.UntilAsync(() => subject.Images(replica) > 0, Stopwatch.GetTimestamp());
            await Bench.WriteAsync(database, "--rate", "300", "--seconds", Bench.Text(bench.Options.Seconds));
            await Task.Delay(Settle);
            await run.StopAsync();
        }

        Bench.Execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {subject.Name}: {subject.Changes(replica)} files of changes"));
        (string, string) kept = (bench[$"{subject.Name}.db"], bench[$"{subject.Name}-replica"]);
        Files.Delete(kept.Item1);
        Files.Delete(kept.Item2);
        File.Move(database, kept.Item1);
        Directory.Move(replica, kept.Item2);
        return kept;
    }
}
