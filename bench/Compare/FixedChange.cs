using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare;

/// <summary>The same change to a database of any size, made while nobody replicates: rows of the same few pages, no index, the WAL reset behind it.</summary>
internal static class FixedChange
{
    private const int Rows = 2000;
    private const int WalHeader = 32;
    private const int FrameHeader = 24;

    /// <summary>Makes it.</summary>
    /// <param name="database">Events.</param>
    /// <param name="round">Gives other content each time.</param>
    /// <returns>Bytes of the pages that changed.</returns>
    public static long Make(string database, int round)
    {
        using SqliteConnection connection = new($"Data Source={database};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint=0; PRAGMA cache_spill=off";
        command.ExecuteNonQuery();
        command.CommandText = "PRAGMA page_size";
        long pageSize = (long)command.ExecuteScalar()!;
        command.CommandText = $"UPDATE events SET payload = '{(char)('a' + (round % 26))}' || substr(payload, 2) WHERE id <= {Rows}";
        command.ExecuteNonQuery();

        // One transaction that nothing spilled from has each of its pages in the WAL once.
        long frames = (Files.Length(database + "-wal") - WalHeader) / (FrameHeader + pageSize);
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        command.ExecuteNonQuery();
        return frames * pageSize;
    }
}
