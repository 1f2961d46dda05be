using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>What to soak, for how long, and what to do to it meanwhile.</summary>
internal sealed record SoakOptions
{
    public const string Usage = """
        Writes to SQLite databases without end, replicates them through the cmdlets, and never stops checking.

          -Duration TIME        how long: 90s, 10m (default), 8h, 7d
          -Seed N               of the events and of the chaos; printed, so that a run can be repeated (default: by the clock)
          -Destination PLACE    a folder (default: replica in the soak's own), or s3://bucket/path?endpoint=http://host:port with the key
                                in LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY
          -Databases N          how many, each with a writer process of its own (default 1)
          -Subject NAME         what is soaked: cmdlets (default), or litestream for the real Litestream 0.3.13, to see what the harness catches
          -SyncInterval TIME    of litestream: how often it sends (default 1s)
          -Events PATH          real events: a .json.gz hour of GitHub Archive, or a folder of them (default: made from the seed)
          -Rate N               commits a second of each writer in ordinary times (default 100)
          -Chaos [KINDS]        break things on purpose: everything, or some of kill,restart,forget,writer,
                                checkpoints,outage,flaky,replica-full,disk-full,clock
          -Interval TIME        between two checks (default 10s)
          -Folder PATH          where everything is kept (default: a new folder soak-DATE-TIME)
          -LagBound TIME        how long a commit may be missing in the replica while nothing is broken on purpose (default 60s)

          -Report LOG           makes the page of a log, also of a soak that still runs, and does nothing else

        Exit code: 0 only if nothing differed and every bound was kept; 1 if not; 2 if the soak could not be run; 64 for a wrong command line.
        """;

    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(10);

    public int Seed { get; init; } = (int)(DateTimeOffset.UtcNow.ToUnixTimeSeconds() & 0xFFFFFF);

    public string? Destination { get; init; }

    public int Databases { get; init; } = 1;

    public bool SoaksLitestream { get; init; }

    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    public string? Events { get; init; }

    public int Rate { get; init; } = 100;

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    public string Folder { get; init; } = string.Create(CultureInfo.InvariantCulture, $"soak-{DateTime.Now:yyyyMMdd-HHmmss}");

    public TimeSpan LagBound { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The faults that are done; none by default.</summary>
    public IReadOnlyList<string> Chaos { get; init; } = [];

    /// <summary>Reads a command line as PowerShell would write it.</summary>
    /// <exception cref="FormatException">It is not one of ours; the message says why.</exception>
    public static SoakOptions Parse(ReadOnlySpan<string> args)
    {
        SoakOptions options = new();
        for (int i = 0; i < args.Length; i++)
        {
            bool hasValue = i + 1 < args.Length && !args[i + 1].StartsWith('-');
            if (!hasValue && args[i].Equals("-Chaos", StringComparison.OrdinalIgnoreCase))
            {
                options = options with { Chaos = SoakFaults.Names };
                continue;
            }

            options = hasValue
                ? options.With(args[i], args[++i])
                : throw new FormatException($"{args[i]} is not known or lacks its value.");
        }

        return options;
    }

    private SoakOptions With(string name, string value) => name.ToUpperInvariant() switch
    {
        "-DURATION" => this with { Duration = Time(name, value) },
        "-SEED" => this with { Seed = Number(name, value, 0, int.MaxValue) },
        "-DESTINATION" => this with { Destination = value },
        "-DATABASES" => this with { Databases = Number(name, value, 1, 500) },
        "-SUBJECT" => this with { SoaksLitestream = OneOf(name, value, "cmdlets", "litestream") == "litestream" },
        "-SYNCINTERVAL" => this with { SyncInterval = Time(name, value) },
        "-EVENTS" => this with { Events = value },
        "-RATE" => this with { Rate = Number(name, value, 1, 100_000) },
        "-CHAOS" => this with { Chaos = Kinds(name, value) },
        "-INTERVAL" => this with { Interval = Time(name, value) },
        "-FOLDER" => this with { Folder = value },
        "-LAGBOUND" => this with { LagBound = Time(name, value) },
        _ => throw new FormatException($"{name} is not known."),
    };

    private static string OneOf(string name, string value, params string[] known) => known.Contains(value)
        ? value
        : throw new FormatException($"{name} takes one of {string.Join(", ", known)}, not '{value}'.");

    private static string[] Kinds(string name, string value)
    {
        string[] kinds = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return kinds.Except(SoakFaults.Names).FirstOrDefault() is { } unknown
            ? throw new FormatException($"{name} takes some of {string.Join(", ", SoakFaults.Names)}, not '{unknown}'.")
            : kinds;
    }

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new FormatException($"{name} takes a number from {least} to {most}, not '{value}'.");

    private static TimeSpan Time(string name, string value)
    {
        double unit = value.Length == 0 ? 0 : value[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        return unit > 0 && double.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && number > 0 && number * unit < 1e8
            ? TimeSpan.FromSeconds(number * unit)
            : throw new FormatException($"{name} takes a time such as 90s, 10m, 8h or 7d, not '{value}'.");
    }
}
