using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Litestream.Configuration;

/// <summary>One mapping of a file, read key by key. A key that nobody knows is an error with its place and the nearest that is known.</summary>
internal sealed partial class YamlSection
{
    private const int MaxDistance = 3;

    private readonly YamlMappingNode _node;
    private readonly string _file;

    /// <summary>Reads a mapping.</summary>
    /// <param name="node">It.</param>
    /// <param name="file">For messages.</param>
    /// <param name="known">Every key that may stand in it.</param>
    /// <exception cref="ConfigurationException">Another key stands in it.</exception>
    public YamlSection(YamlNode node, string file, IReadOnlyCollection<string> known)
    {
        _file = file;
        _node = node as YamlMappingNode ?? throw Error(node, "keys and values are expected here");
        foreach (YamlNode key in _node.Children.Keys)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (!known.Contains(name))
            {
                string nearest = known.Select(other => (Name: other, Distance: Distance(name, other))).OrderBy(other => other.Distance)
                    .FirstOrDefault(other => other.Distance <= MaxDistance).Name is { } near ? $" Did you mean '{near}'?" : "";
                throw Error(key, $"'{name}' is no key that is known here.{nearest}");
            }
        }
    }

    /// <summary>Whether a key is there and says something.</summary>
    /// <param name="key">The key.</param>
    public bool Has(string key) => Find(key) is not (null or YamlScalarNode { Value: null or "" or "~" or "null" });

    /// <summary>The line of a key, from 1.</summary>
    /// <param name="key">One that is there.</param>
    public long LineOf(string key) => _node.Children.Keys.First(other => (other as YamlScalarNode)?.Value == key).Start.Line;

    /// <summary>A text; null if it is not there.</summary>
    /// <param name="key">The key.</param>
    public string? Text(string key) => !Has(key) ? null
        : Find(key) is YamlScalarNode scalar ? scalar.Value : throw Error(key, $"'{key}' is a text");

    /// <summary>A yes or no.</summary>
    /// <param name="key">The key.</param>
    public bool? Boolean(string key) => Text(key) switch
    {
        null => null,
        "true" or "True" or "TRUE" or "yes" or "on" => true,
        "false" or "False" or "FALSE" or "no" or "off" => false,
        _ => throw Error(key, $"'{key}' is true or false"),
    };

    /// <summary>A whole number, 0 or more.</summary>
    /// <param name="key">The key.</param>
    public long? Number(string key) => Text(key) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
        : throw Error(key, $"'{key}' is a whole number");

    /// <summary>A length of time as Go writes it: <c>1h30m</c>, <c>500ms</c>.</summary>
    /// <param name="key">The key.</param>
    public TimeSpan? Duration(string key) => Text(key) is not { } text ? null
        : ParseDuration(text) ?? throw Error(key, $"'{key}' is a length of time such as 500ms, 30s, 5m or 24h");

    /// <summary>A section below; null if it is not there.</summary>
    /// <param name="key">The key.</param>
    /// <param name="known">Every key that may stand in it.</param>
    public YamlSection? Section(string key, IReadOnlyCollection<string> known) => Has(key) ? new YamlSection(Find(key)!, _file, known) : null;

    /// <summary>A list of sections; empty if it is not there.</summary>
    /// <param name="key">The key.</param>
    /// <param name="known">Every key that may stand in each.</param>
    public IReadOnlyList<YamlSection> Sections(string key, IReadOnlyCollection<string> known) => !Has(key) ? []
        : Find(key) is YamlSequenceNode list ? [.. list.Select(item => new YamlSection(item, _file, known))] : throw Error(key, $"'{key}' is a list");

    /// <summary>An error about a key.</summary>
    /// <param name="key">One that is there; else the section itself is named.</param>
    /// <param name="what">What is wrong; no part of a value that may be secret.</param>
    public ConfigurationException Error(string key, string what) =>
        Error(_node.Children.Keys.FirstOrDefault(other => (other as YamlScalarNode)?.Value == key) ?? _node, what);

    /// <summary>Reads a length of time as Go writes it; null if it is none.</summary>
    /// <param name="text">The text.</param>
    internal static TimeSpan? ParseDuration(string text)
    {
        if (text == "0")
        {
            return TimeSpan.Zero;
        }

        Match match = DurationPattern().Match(text);
        if (!match.Success)
        {
            return null;
        }

        double seconds = match.Groups["count"].Captures.Zip(match.Groups["unit"].Captures).Sum(part =>
            double.Parse(part.First.ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * SecondsOf(part.Second.Value));
        return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    private YamlNode? Find(string key) => _node.Children.FirstOrDefault(pair => (pair.Key as YamlScalarNode)?.Value == key).Value;

    private ConfigurationException Error(YamlNode at, string what) => Error(_file, at.Start, what);

    /// <summary>An error about a place in a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="at">Where.</param>
    /// <param name="what">What is wrong.</param>
    internal static ConfigurationException Error(string file, Mark at, string what) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{file}, line {at.Line}, column {at.Column}: {what.TrimEnd('.', '?')}{(what.EndsWith('?') ? "?" : ".")} Nothing was started."))
    {
        File = file,
    };

    private static double SecondsOf(string unit) => unit switch
    {
        "ns" => 1e-9,
        "us" or "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1,
        "m" => 60,
        _ => 3600,
    };

    // Levenshtein's, in one row.
    private static int Distance(string first, string second)
    {
        int[] row = [.. Enumerable.Range(0, second.Length + 1)];
        for (int i = 1; i <= first.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= second.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (first[i - 1] == second[j - 1] ? 0 : 1)));
            }
        }

        return row[second.Length];
    }

    [GeneratedRegex(@"^((?<count>\d+(\.\d+)?)(?<unit>ns|us|µs|ms|s|m|h))+$", RegexOptions.ExplicitCapture)]
    private static partial Regex DurationPattern();
}
