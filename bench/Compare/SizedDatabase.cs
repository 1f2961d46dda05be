using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare;

/// <summary>
/// A database of any size, made quickly: up to a gigabyte of events with their indexes; what lies above it are the payloads of those events,
/// over and over, in a table without an index. A page by itself looks as it does in events.
/// </summary>
internal static class SizedDatabase
{
    private const long MaxEventBytes = 1_000_000_000;
    private const int RowsAtOnce = 20_000;

    public static async Task MakeAsync(string path, long bytes)
    {
        Files.Delete(path);
        await Bench.WriteAsync(path, "--size", Bench.Text(Math.Min(bytes, MaxEventBytes)), "--commits", "1");
        if (bytes > MaxEventBytes)
        {
            Repeat(path, bytes);
        }

        Bench.Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
        Files.Flush(path);
    }

    private static void Repeat(string path, long bytes)
    {
        using SqliteConnection connection = new($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();

        // There is nothing yet that could be lost.
        command.CommandText = "PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-65536; CREATE TABLE more(payload TEXT)";
        command.ExecuteNonQuery();
        long last = Scalar(command, "SELECT max(id) FROM events");
        long pageSize = Scalar(command, "PRAGMA page_size");
        for (long from = 0; Scalar(command, "PRAGMA page_count") * pageSize < bytes; from = (from + RowsAtOnce) % last)
        {
            command.CommandText = $"INSERT INTO more SELECT payload FROM events WHERE id > {from} AND id <= {from + RowsAtOnce}";
            command.ExecuteNonQuery();
        }

        command.CommandText = "PRAGMA journal_mode=wal";
        command.ExecuteNonQuery();
    }

    private static long Scalar(SqliteCommand command, string sql)
    {
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }
}
