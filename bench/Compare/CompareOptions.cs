using System.Globalization;

namespace Litestream.Bench.Compare;

/// <summary>What to compare, and how much of it.</summary>
internal sealed record CompareOptions
{
    public const string Usage = """
        Does the same work with this project and with the real Litestream, in turns, and prints medians and ratios.

          --size MB          database of events for image, restore and restart (default 500)
          --rounds N         turns of each (default 3)
          --seconds S        of full-speed writing and of idling (default 30)
          --commits N        commits whose lag is measured (default 60)
          --work NAMES       only these, comma-separated: image, restore, restart, idle, lag, speed, writer (default: these), and of ours
                             alone growth, many, s3
          --sizes MB,...     of the databases of growth (default 100,1000,10000)
          --databases N,...  side by side in many (default 1,10,100,500)
          --minutes M        growth, many and s3 begin no new size and no further turn after so long (default 90)
          --litestream PATH  another binary of Litestream 0.3 (default: 0.3.13 from npm)
          --folder PATH      where to work (default: a temporary folder)
          --json PATH        the figures of every turn as JSON
          --plots FOLDER     the figures of growth and many as pictures (SVG)
          --draw PATH,...    measure nothing: the table and pictures of such JSON
        """;

    public int SizeMegabytes { get; init; } = 500;

    public int Rounds { get; init; } = 3;

    public int Seconds { get; init; } = 30;

    public int Commits { get; init; } = 60;

    public IReadOnlyList<string> Work { get; init; } = ["image", "restore", "restart", "idle", "lag", "speed", "writer"];

    public IReadOnlyList<int> Sizes { get; init; } = [100, 1000, 10_000];

    public IReadOnlyList<int> Databases { get; init; } = [1, 10, 100, 500];

    public int Minutes { get; init; } = 90;

    public string? Litestream { get; init; }

    public string? Folder { get; init; }

    public string? Json { get; init; }

    public string? Plots { get; init; }

    public IReadOnlyList<string> Draw { get; init; } = [];

    /// <exception cref="FormatException">The command line is not one of ours.</exception>
    public static CompareOptions Parse(string[] args)
    {
        CompareOptions options = new();
        for (int i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length)
            {
                throw new FormatException($"{args[i]} is not known or lacks its value.");
            }

            options = options.With(args[i], args[i + 1]);
        }

        return options;
    }

    private CompareOptions With(string name, string value) => name switch
    {
        "--size" => this with { SizeMegabytes = Number(value) },
        "--rounds" => this with { Rounds = Number(value) },
        "--seconds" => this with { Seconds = Number(value) },
        "--commits" => this with { Commits = Number(value) },
        "--work" => this with { Work = Parts(value) },
        "--sizes" => this with { Sizes = [.. Parts(value).Select(Number).Order()] },
        "--databases" => this with { Databases = [.. Parts(value).Select(Number).Order()] },
        "--minutes" => this with { Minutes = Number(value) },
        "--litestream" => this with { Litestream = value },
        "--folder" => this with { Folder = value },
        "--json" => this with { Json = value },
        "--plots" => this with { Plots = value },
        "--draw" => this with { Draw = Parts(value) },
        _ => throw new FormatException($"{name} is not known."),
    };

    private static string[] Parts(string value) => value.Split(',', StringSplitOptions.TrimEntries);

    private static int Number(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new FormatException($"'{value}' is no positive number.");
}
