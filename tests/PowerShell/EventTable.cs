using Microsoft.Data.Sqlite;

namespace Litestream.Tests.PowerShell;

/// <summary>A database with one table, as another program would keep it.</summary>
internal sealed class EventTable : IDisposable
{
    private readonly SqliteConnection _connection;

    static EventTable() => SQLitePCL.Batteries_V2.Init();

    /// <summary>Opens a database for writing, making it if need be.</summary>
    /// <param name="path">Its path.</param>
    public EventTable(string path)
    {
        FullPath = path;
        _connection = Open(path);
        Execute("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
    }

    public string FullPath { get; }

    public DateTime MadeAt { get; } = DateTime.UtcNow;

    /// <summary>Makes a database with some events and closes it.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="events">How many events.</param>
    public static string Make(string path, int events = 100)
    {
        using EventTable table = new(path);
        table.Add(events);
        return path;
    }

    /// <summary>Commits events, one transaction each.</summary>
    /// <param name="count">How many.</param>
    public void Add(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Execute("INSERT INTO event (body) VALUES (hex(randomblob(100)))");
        }
    }

    /// <summary>All events of a database in one text.</summary>
    /// <param name="path">The database.</param>
    public static string ReadAll(string path)
    {
        using SqliteConnection connection = Open(path);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) || ':' || coalesce(group_concat(id || '=' || body), '') FROM event";
        return (string)command.ExecuteScalar()!;
    }

    public void Dispose() => _connection.Dispose();

    private static SqliteConnection Open(string path)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>Runs statements.</summary>
    /// <param name="text">SQL.</param>
    public void Execute(string text)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }
}
