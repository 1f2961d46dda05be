using System.Globalization;

namespace Litestream.Tests.EventWriter;

/// <summary>What to write, how fast and for how long.</summary>
internal sealed record WriterOptions
{
    public const string Usage = """
        Writes GitHub-archive-style events into a SQLite database in WAL mode, as a busy application would.

          --database PATH       the database; made if it is not there, continued if it is
          --rate N              commits a second, evenly paced; 0 (default) for as many as possible
          --rows N              rows a commit (default 1)
          --seconds S           stop after S seconds (default 10, if neither --commits nor --size says when to stop)
          --commits N           stop after N commits
          --size BYTES          first fill the database to this size, fast
          --seed N              the same seed gives the same content (default 1)
          --events PATH         real events instead: a .json.gz hour of GitHub Archive, or a folder of them
          --page-size N         of a new database (default 4096)
          --synchronous MODE    off, normal (default), full or extra
          --autocheckpoint N    the writer's own PASSIVE checkpoint from N frames on (default 1000, 0 for none)
          --checkpoints MODE    none (default) or random: PASSIVE, FULL, RESTART and TRUNCATE at random moments, on a second connection
          --bursts              silence, a trickle, the given rate and as many as possible, in turns of seconds drawn from the seed
          --ledger              a table that triggers keep in step with the events, so that any image can be asked whether it is whole
          --mix                 updates, deletes, large transactions, rollbacks, VACUUM, schema changes, growth and shrink at random
          --replica FOLDER      measure the lag from each commit to the file in this replica that holds it
          --settle S            how long to wait at the end for the last commits to appear there (default 10)
          --progress            a line a second on standard error

        Ends with one line of JSON. SIGTERM and SIGINT end it early and in order.
        """;

    public required string Database { get; init; }

    public int Rate { get; init; }

    public int Rows { get; init; } = 1;

    public double? Seconds { get; init; }

    public long? Commits { get; init; }

    public long Size { get; init; }

    public int Seed { get; init; } = 1;

    public string? Events { get; init; }

    public int PageSize { get; init; } = 4096;

    public string Synchronous { get; init; } = "normal";

    public int AutoCheckpoint { get; init; } = 1000;

    public bool RandomCheckpoints { get; init; }

    public bool Bursts { get; init; }

    public bool Ledger { get; init; }

    public bool Mix { get; init; }

    public string? Replica { get; init; }

    public double Settle { get; init; } = 10;

    public bool Progress { get; init; }

    /// <summary>Reads a command line.</summary>
    /// <exception cref="FormatException">It is not one of ours; the message says why.</exception>
    public static WriterOptions Parse(ReadOnlySpan<string> args)
    {
        WriterOptions options = new() { Database = "" };
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            options = name switch
            {
                "--bursts" => options with { Bursts = true },
                "--ledger" => options with { Ledger = true },
                "--mix" => options with { Mix = true },
                "--progress" => options with { Progress = true },
                _ when i + 1 == args.Length => throw new FormatException($"{name} is not known or lacks its value."),
                _ => options.With(name, args[++i]),
            };
        }

        if (options.Database.Length == 0)
        {
            throw new FormatException("--database is missing.");
        }

        return options.Seconds is null && options.Commits is null && options.Size == 0 ? options with { Seconds = 10 } : options;
    }

    private WriterOptions With(string name, string value) => name switch
    {
        "--database" => this with { Database = value },
        "--replica" => this with { Replica = value },
        "--events" => this with { Events = value },
        "--rate" => this with { Rate = (int)Number(name, value, 0, 1_000_000) },
        "--rows" => this with { Rows = (int)Number(name, value, 1, 1_000_000) },
        "--seconds" => this with { Seconds = Number(name, value, 0, 1e6) },
        "--settle" => this with { Settle = Number(name, value, 0, 3600) },
        "--commits" => this with { Commits = (long)Number(name, value, 0, 1e12) },
        "--size" => this with { Size = (long)Number(name, value, 0, 1e13) },
        "--seed" => this with { Seed = (int)Number(name, value, int.MinValue, int.MaxValue) },
        "--page-size" => this with { PageSize = (int)Number(name, value, 512, 65536) },
        "--autocheckpoint" => this with { AutoCheckpoint = (int)Number(name, value, 0, int.MaxValue) },
        "--synchronous" => this with { Synchronous = OneOf(name, value, "off", "normal", "full", "extra") },
        "--checkpoints" => this with { RandomCheckpoints = OneOf(name, value, "none", "random") == "random" },
        _ => throw new FormatException($"{name} is not known."),
    };

    private static double Number(string name, string value, double least, double most) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= least && number <= most
            ? number
            : throw new FormatException($"{name} takes a number from {least} to {most}, not '{value}'.");

    private static string OneOf(string name, string value, params string[] known) =>
        known.Contains(value) ? value : throw new FormatException($"{name} takes one of {string.Join(", ", known)}, not '{value}'.");
}
