using System.Diagnostics;
using System.Globalization;
using Litestream.Replication;
using Litestream.Storage;
using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Many;

/// <summary>
/// What many idle databases in one process cost: <c>dotnet run -c Release --project bench/Many -- [databases] [seconds]</c>. Memory is that above
/// the same process with one database.
/// </summary>
internal static class Program
{
    private const int Databases = 500;
    private const int Seconds = 60;

    public static async Task Main(string[] args)
    {
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : Databases;
        TimeSpan idle = TimeSpan.FromSeconds(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Seconds);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("litestream-many-");
        List<Replicator> replicators = [];
        try
        {
            string[] databases = MakeDatabases(folder.FullName, count);
            replicators.Add(Make(databases[0], folder.FullName));
            await replicators[0].StartAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(5));
            long one = ResidentBytes();

            long began = Stopwatch.GetTimestamp();
            replicators.AddRange(databases.Skip(1).Select(database => Make(database, folder.FullName)));
            await Task.WhenAll(replicators.Skip(1).Select(replicator => replicator.StartAsync(CancellationToken.None)));
            Say($"started in            {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
            await Task.Delay(TimeSpan.FromSeconds(15));

            using Process self = Process.GetCurrentProcess();
            TimeSpan before = self.TotalProcessorTime;
            began = Stopwatch.GetTimestamp();
            await Task.Delay(idle);
            self.Refresh();
            Say($"processor while idle  {100 * (self.TotalProcessorTime - before) / Stopwatch.GetElapsedTime(began):0.00} % of one core, over {idle.TotalSeconds:0} s");
            Say($"memory above one      {(ResidentBytes() - one) / 1048576.0:0} MiB of {ResidentBytes() / 1048576.0:0} MiB");
            Say($"managed memory        {GC.GetTotalMemory(forceFullCollection: true) / 1048576.0:0.0} MiB of objects, {GC.GetGCMemoryInfo().TotalCommittedBytes / 1048576.0:0.0} MiB committed");
            Say($"threads               {self.Threads.Count}");
            Say($"sessions torn         {replicators.Count(replicator => replicator.Status.LastError is not null)}");
            Say($"streaming             {replicators.Count(replicator => replicator.Status.State == ReplicationState.Streaming)} of {count}");

            began = Stopwatch.GetTimestamp();
            await Task.WhenAll(replicators.Select(replicator => replicator.StopAsync(CancellationToken.None)));
            Say($"stopped in            {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
        }
        finally
        {
            foreach (Replicator replicator in replicators)
            {
                await replicator.DisposeAsync();
            }

            folder.Delete(recursive: true);
        }
    }

    private static Replicator Make(string database, string folder) => new(new ReplicationOptions
    {
        DatabasePath = database,
        Destinations = [ReplicaLocation.Parse(Path.Combine(folder, "replicas", Path.GetFileName(database)))],
    });

    private static string[] MakeDatabases(string folder, int count)
    {
        string first = Path.Combine(folder, "0000.db");
        SQLitePCL.Batteries_V2.Init();
        using (SqliteConnection connection = new($"Data Source={first};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode=wal; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); INSERT INTO t(b) VALUES(randomblob(100000))";
            command.ExecuteNonQuery();
        }

        string[] paths = [.. Enumerable.Range(0, count).Select(i => Path.Combine(folder, $"{i:0000}.db"))];
        foreach (string path in paths.Skip(1))
        {
            File.Copy(first, path);
        }

        return paths;
    }

    private static long ResidentBytes()
    {
        using Process self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
