using Microsoft.Data.Sqlite;

namespace Litestream.Tests.Unit.Restoration;

/// <summary>Real databases for tests.</summary>
internal static class SqliteFile
{
    /// <summary>Opens a database of its own connection.</summary>
    internal static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);
        connection.Open();
        return connection;
    }

    /// <summary>Makes a database with so many rows, in WAL mode, with nothing left in the WAL.</summary>
    internal static byte[] Create(string path, int rows, string mode = "wal")
    {
        using (SqliteConnection connection = Open(path))
        {
            Run(connection, $"PRAGMA page_size=512; PRAGMA journal_mode={mode}; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t(b)");
            Insert(connection, rows);
        }

        return File.ReadAllBytes(path);
    }

    internal static void Insert(SqliteConnection connection, int rows) => Run(
        connection,
        $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t(b) SELECT 'row ' || hex(i * 7919) FROM n");

    internal static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    internal static long Count(string path)
    {
        using SqliteConnection connection = Open(path);
        return Count(connection);
    }

    internal static long Count(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM t";
        return (long)command.ExecuteScalar()!;
    }
}
