using System.Globalization;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Interop;

/// <summary>A test with the real Litestream: a folder of its own, databases to replicate, and what to do where Litestream is absent.</summary>
[Collection(nameof(LitestreamVfs))]
public abstract class InteropTest(LitestreamVfs vfs, ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("litestream-interop-");

    protected LitestreamVfs Vfs { get; } = vfs;

    protected ITestOutputHelper Output { get; } = output;

    protected string Replica => Path.Combine(_folder.FullName, "replica");

    protected string Database => Path.Combine(_folder.FullName, "app.db");

    protected string Restored => Path.Combine(_folder.FullName, "restored.db");

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the test can run with Litestream 0.5; if not, its output names what is missing.</summary>
    protected bool HasLitestream() => Has(Vfs.Absence);

    /// <summary>Whether the test can run; if not, its output names what is missing.</summary>
    /// <param name="absence">Why not; null if it can.</param>
    protected bool Has(string? absence)
    {
        if (absence is not null)
        {
            Output.WriteLine($"Not tried: {absence}.");
            Console.WriteLine($"Interoperability with Litestream not tried: {absence}.");
        }

        return absence is null;
    }

    /// <summary>Lets another program write events to the database; all of it is in the database file when it has ended.</summary>
    protected Task WriteEventsAsync(int commits, int rows, int pageSize = 4096, params string[] more) => Command.RunBesideAsync(
        "Litestream.Tests.EventWriter",
        ["--database", Database, "--commits", Text(commits), "--rows", Text(rows), "--page-size", Text(pageSize), .. more]);

    /// <summary>Runs SQL on the database and closes it, so that all of it is in the database file.</summary>
    protected void Execute(string sql)
    {
        using SqliteConnection connection = new($"Data Source={Database};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Litestream sees in the replica what SQLite sees in the database, finds it sound, and at this transaction.</summary>
    protected async Task AssertLitestreamReadsAsync(ulong txid)
    {
        const string rows = "SELECT * FROM events ORDER BY id";
        const string schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name";
        const string sizes = "PRAGMA page_size; PRAGMA page_count";
        string[] expected = await LitestreamVfs.QueryDatabaseAsync(Database, rows, schema, sizes, "PRAGMA integrity_check");
        Assert.Equal("'ok'\n", expected[^1]);
        Assert.True(expected[0].Length > 1000);

        string[] seen = await Vfs.QueryAsync(Replica, rows, schema, sizes, "PRAGMA integrity_check", "SELECT litestream_txid()");

        Assert.Equal([.. expected, $"'{txid:x16}'\n"], seen);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
