using System.Globalization;
using System.Text;

namespace Litestream.Diagnostics;

/// <summary>Writes samples as Prometheus reads them (its documentation, "Exposition formats", text format 0.0.4).</summary>
public static class PrometheusText
{
    /// <summary>The HTTP content type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes samples.</summary>
    /// <param name="samples">Those of a family one after the other.</param>
    public static string Write(IEnumerable<MetricSample> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        StringBuilder text = new();
        string? family = null;
        foreach (MetricSample sample in samples)
        {
            if (sample.Family != family)
            {
                family = sample.Family;
                text.Append("# HELP ").Append(family).Append(' ').Append(Escape(sample.Help)).Append('\n');
                text.Append("# TYPE ").Append(family).Append(' ').Append(sample.Kind).Append('\n');
            }

            text.Append(sample.Name);
            if (sample.Labels.Count > 0)
            {
                text.Append('{').AppendJoin(',', sample.Labels.Select(label => $"{label.Key}=\"{Escape(label.Value).Replace("\"", "\\\"", StringComparison.Ordinal)}\"")).Append('}');
            }

            text.Append(' ').Append(sample.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }

        return text.ToString();
    }

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
