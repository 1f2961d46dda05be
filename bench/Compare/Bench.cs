using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Litestream.Bench.Compare;

/// <summary>What every piece of work uses: the subjects, a folder, databases of events, and where figures go.</summary>
/// <param name="options">How much of everything.</param>
/// <param name="subjects">Who does the work, ours first.</param>
/// <param name="folder">Where; on the disk that is to be measured.</param>
internal sealed class Bench(CompareOptions options, IReadOnlyList<ISubject> subjects, string folder)
{
    private static readonly string Writer = Path.Combine(AppContext.BaseDirectory, "Litestream.Tests.EventWriter");

    private readonly long _began = Stopwatch.GetTimestamp();
    private string? _events;

    public CompareOptions Options => options;

    public IReadOnlyList<ISubject> Subjects => subjects;

    /// <summary>This project.</summary>
    public ISubject Ours => subjects[0];

    private bool HasTime => Stopwatch.GetElapsedTime(_began) < TimeSpan.FromMinutes(options.Minutes);

    /// <summary>Whether something new may be begun; says so if not.</summary>
    public bool HasTimeFor(Extent extent)
    {
        bool has = HasTime;
        Console.Error.WriteLine(has ? $"{extent}" : $"The time of --minutes {options.Minutes} is over: {extent} was not begun.");
        return has;
    }

    public Figures Figures { get; } = new();

    public string this[string name] => Path.Combine(folder, name);

    /// <summary>The subjects in turns, the order turned round each time, so that neither always comes first.</summary>
    public IEnumerable<ISubject> Turns() => Enumerable.Range(0, options.Rounds).SelectMany(round => round % 2 == 0 ? subjects : subjects.Reverse());

    /// <summary>The turns of what this project does alone: one at least, further ones while there is time.</summary>
    public IEnumerable<int> RoundsInTime() => Enumerable.Range(0, options.Rounds).TakeWhile(round => round == 0 || HasTime);

    /// <summary>A fresh copy of the database of events, and no replica beside it.</summary>
    public async Task<(string Database, string Replica)> PrepareAsync()
    {
        string database = this["app.db"];
        Files.Delete(database);
        Files.Delete(this["replica"]);
        Files.CopyDurably(await EventsAsync(), database);
        return (database, this["replica"]);
    }

    /// <summary>The database of events, made once.</summary>
    public async Task<string> EventsAsync()
    {
        if (_events is null)
        {
            _events = this["events.db"];
            Console.Error.WriteLine($"Making {options.SizeMegabytes} MB of events.");
            await WriteAsync(_events, "--size", Text(options.SizeMegabytes * 1_000_000L), "--commits", "1");
            Execute(_events, "PRAGMA wal_checkpoint(TRUNCATE)");
        }

        return _events;
    }

    /// <summary>Starts the event writer.</summary>
    public static Measured StartWriter(string database, params string[] more) => Measured.Start([Writer, "--database", database, .. more]);

    /// <summary>Lets the event writer write; what it reports.</summary>
    public static async Task<JsonElement> WriteAsync(string database, params string[] more)
    {
        using Measured writer = StartWriter(database, more);
        return Report(await writer.EndAsync());
    }

    public static JsonElement Report(string output)
    {
        using JsonDocument report = JsonDocument.Parse(output);
        return report.RootElement.Clone();
    }

    /// <summary>Runs SQL on a database, on a connection of its own.</summary>
    public static void Execute(string database, string sql)
    {
        using SqliteConnection connection = new($"Data Source={database};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
