using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare.Works;

/// <summary>Many small databases in one process: what they cost while nobody writes, and how long the first commit after that takes.</summary>
internal sealed class ManyWork : IWork
{
    public const string Name = "many databases, idle";

    // Of so many databases at most the first commit is measured.
    private const int MaxCommits = 20;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(45);

    public bool OnlyOurs => true;

    public async Task RunAsync(Bench bench)
    {
        foreach (int count in bench.Options.Databases)
        {
            Extent extent = new(count, count == 1 ? "database" : "databases");
            if (!bench.HasTimeFor(extent))
            {
                return;
            }

            await RunAsync(bench, extent);
        }
    }

    private static async Task RunAsync(Bench bench, Extent extent)
    {
        (string folder, string replicas) = (bench["many"], bench["many-replicas"]);
        Files.Delete(folder);
        Files.Delete(replicas);
        string[] databases = Make(folder, (int)extent.Count);
        long began = Stopwatch.GetTimestamp();
        using Measured run = Measured.Start(bench.Ours.Replicate(folder, replicas));
        await run.UntilAsync(() => run.Lines > 0, began);
        bench.Figures.Add(Name, "s until all stream", bench.Ours.Name, Stopwatch.GetElapsedTime(began).TotalSeconds, extent);
        await Task.Delay(Settle);
        await IdleSpan.MeasureAsync(bench, run, Name, extent);
        foreach (string database in databases.Take(MaxCommits))
        {
            bench.Figures.Add(Name, "lag of the first commit ms", bench.Ours.Name, 1000 * await CommitAsync(bench, run, database, replicas), extent);
        }

        bench.Figures.Add(Name, "s to stop", bench.Ours.Name, await run.StopAsync(), extent);
    }

    private static async Task<double> CommitAsync(Bench bench, Measured run, string database, string replicas)
    {
        string replica = Path.Combine(replicas, Path.GetFileName(database));
        int files = bench.Ours.Changes(replica);
        using SqliteConnection connection = new($"Data Source={database};Pooling=False;Default Timeout=10");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "INSERT INTO t(b) VALUES(randomblob(100))";
        command.ExecuteNonQuery();
        return await run.UntilAsync(() => bench.Ours.Changes(replica) > files, Stopwatch.GetTimestamp());
    }

    private static string[] Make(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        string[] paths = [.. Enumerable.Range(0, count).Select(i => Path.Combine(folder, $"{i:0000}.db"))];
        Bench.Execute(paths[0], "PRAGMA journal_mode=wal; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); INSERT INTO t(b) VALUES(randomblob(100000))");
        foreach (string path in paths.Skip(1))
        {
            File.Copy(paths[0], path);
        }

        return paths;
    }
}
