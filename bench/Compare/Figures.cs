using System.Globalization;
using System.Text.Json;

namespace Litestream.Bench.Compare;

/// <summary>What was measured, turn by turn; printed as medians and ratios.</summary>
internal sealed class Figures
{
    private const string Ours = "ours";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly List<Figure> _all;

    public Figures()
        : this([])
    {
    }

    private Figures(List<Figure> all) => _all = all;

    public IReadOnlyList<Figure> All => _all;

    /// <summary>Reads what <see cref="ToJson"/> gave, of several runs if there are several.</summary>
    public static Figures Read(params IEnumerable<string> paths) =>
        new([.. paths.SelectMany(path => JsonSerializer.Deserialize<List<Figure>>(File.ReadAllText(path)) ?? [])]);

    public void Add(string work, string measure, string subject, double value, Extent? at = null)
    {
        _all.Add(new Figure(work, measure, subject, value, at));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Title(work, at)}: {measure}, {subject}: {value:0.###}"));
    }

    /// <summary>A table in Markdown: a measure a line, the median of each subject, and ours divided by each other.</summary>
    public void Print(TextWriter output)
    {
        string[] subjects = [.. _all.Select(figure => figure.Subject).Distinct().OrderBy(name => name == Ours ? "" : name, StringComparer.Ordinal)];
        output.WriteLine($"| work | measure | {string.Join(" | ", [.. subjects, .. subjects.Skip(1).Select(other => $"ours / {other}")])} |");
        output.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", 1 + (2 * subjects.Length)))}");
        foreach (var line in _all.GroupBy(figure => (figure.Work, figure.Measure, figure.At)))
        {
            double?[] medians = [.. subjects.Select(subject => Median(line.Where(figure => figure.Subject == subject).Select(figure => figure.Value)))];
            IEnumerable<string> ratios = medians.Skip(1).Select(other => medians[0] is { } ours && other is { } theirs and > 0 ? Text(ours / theirs) : "");
            output.WriteLine($"| {Title(line.Key.Work, line.Key.At)} | {line.Key.Measure} | {string.Join(" | ", [.. medians.Select(Text), .. ratios])} |");
        }
    }

    public string ToJson() => JsonSerializer.Serialize(_all, Indented);

    /// <summary>The value in the middle, or between the two that are; null of none.</summary>
    public static double? Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length switch
        {
            0 => null,
            _ when sorted.Length % 2 == 1 => sorted[sorted.Length / 2],
            _ => (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2,
        };
    }

    private static string Title(string work, Extent? at) => at is null ? work : $"{work}, {at}";

    private static string Text(double? value) => value switch
    {
        null => "",
        >= 100 => value.Value.ToString("#,##0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.###", CultureInfo.InvariantCulture),
    };
}
