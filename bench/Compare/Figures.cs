using System.Globalization;
using System.Text.Json;

namespace Litestream.Bench.Compare;

/// <summary>What was measured, turn by turn; printed as medians and ratios.</summary>
internal sealed class Figures
{
    private const string Ours = "ours";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly List<Figure> _all = [];

    public void Add(string work, string measure, string subject, double value)
    {
        _all.Add(new Figure(work, measure, subject, value));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {work}: {measure}, {subject}: {value:0.###}"));
    }

    /// <summary>A table in Markdown: a measure a line, the median of each subject, and ours divided by each other.</summary>
    public void Print(TextWriter output)
    {
        string[] subjects = [.. _all.Select(figure => figure.Subject).Distinct().OrderBy(name => name == Ours ? "" : name, StringComparer.Ordinal)];
        output.WriteLine($"| work | measure | {string.Join(" | ", subjects)} | {string.Join(" | ", subjects.Skip(1).Select(other => $"ours / {other}"))} |");
        output.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", 1 + (2 * subjects.Length)))}");
        foreach (var line in _all.GroupBy(figure => (figure.Work, figure.Measure)))
        {
            double?[] medians = [.. subjects.Select(subject => Median([.. line.Where(figure => figure.Subject == subject).Select(figure => figure.Value)]))];
            IEnumerable<string> ratios = medians.Skip(1).Select(other => medians[0] is { } ours && other is { } theirs and > 0 ? Text(ours / theirs) : "");
            output.WriteLine($"| {line.Key.Work} | {line.Key.Measure} | {string.Join(" | ", medians.Select(Text))} | {string.Join(" | ", ratios)} |");
        }
    }

    public string ToJson() => JsonSerializer.Serialize(_all, Indented);

    private static double? Median(List<double> values)
    {
        values.Sort();
        return values.Count switch
        {
            0 => null,
            _ when values.Count % 2 == 1 => values[values.Count / 2],
            _ => (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2,
        };
    }

    private static string Text(double? value) => value switch
    {
        null => "",
        >= 100 => value.Value.ToString("#,##0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.###", CultureInfo.InvariantCulture),
    };

    private sealed record Figure(string Work, string Measure, string Subject, double Value);
}
