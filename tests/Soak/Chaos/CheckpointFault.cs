using System.Globalization;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Soak;

/// <summary>The application checkpoints in every mode, again and again, and has a reader that stays.</summary>
internal sealed class CheckpointFault(IReadOnlyList<SoakedDatabase> databases) : IFault
{
    private const int BusyMilliseconds = 200;

    private static readonly int[] Modes = [SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE];

    public string Name => "checkpoints";

    public bool Excuses => false;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        SoakedDatabase database = databases[draw.Next(databases.Count)];
        bool withReader = draw.Next(3) == 0;
        int[] modes = [.. Enumerable.Range(0, 4096).Select(_ => Modes[draw.Next(Modes.Length)])];
        int[] pauses = [.. modes.Select(_ => draw.Next(100))];
        int done = 0;
        await Task.Run(
            () =>
            {
                long begin = TimeProvider.System.GetTimestamp();
                using sqlite3 reader = Open(database.Path);
                using sqlite3 connection = Open(database.Path);
                if (withReader)
                {
                    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM sqlite_schema");
                }

                while (!stop.IsCancellationRequested && TimeProvider.System.GetElapsedTime(begin) < length)
                {
                    if (sqlite3_wal_checkpoint_v2(connection, "main", modes[done % modes.Length], out int log, out int copied) == SQLITE_OK && log == copied)
                    {
                        done++;
                    }

                    stop.WaitHandle.WaitOne(pauses[done % pauses.Length]);
                }
            },
            stop);
        return string.Create(CultureInfo.InvariantCulture, $"{database.Name}: {done} complete checkpoints{(withReader ? " beside a long reader" : "")}");
    }

    private static sqlite3 Open(string path)
    {
        int result = sqlite3_open_v2(path, out sqlite3 database, SQLITE_OPEN_READWRITE, null);
        if (result != SQLITE_OK)
        {
            database.Dispose();
            throw new InvalidOperationException($"{path}: {sqlite3_errstr(result).utf8_to_string()}");
        }

        sqlite3_busy_timeout(database, BusyMilliseconds);
        return database;
    }
}
