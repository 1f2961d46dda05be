using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// Takes a duration as a TimeSpan, as a number of seconds, or as text with a unit as Litestream writes it (<c>500ms</c>, <c>30s</c>,
/// <c>5m</c>, <c>1h</c>, <c>7d</c>, <c>1h30m</c>). The engine itself would take a number for ticks.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed partial class DurationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value is System.Collections.IList list
            ? list.Cast<object?>().Select(One).ToArray()
            : One(value);
    }

    /// <summary>Reads a duration; null if the text is none.</summary>
    /// <param name="text">What was given.</param>
    internal static TimeSpan? Parse(string text)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds))
        {
            return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
        }

        if (Parts().Match(text) is { Success: true } match)
        {
            CaptureCollection counts = match.Groups["count"].Captures;
            CaptureCollection units = match.Groups["unit"].Captures;
            return TimeSpan.FromSeconds(Enumerable.Range(0, counts.Count).Sum(
                i => double.Parse(counts[i].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * Seconds(units[i].Value)));
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan span) && span >= TimeSpan.Zero ? span : null;
    }

    private static object One(object? value)
    {
        object? bare = value is PSObject wrapped ? wrapped.BaseObject : value;
        if (bare is decimal number)
        {
            // 1d without quotes is PowerShell's decimal 1: a day was meant, and a second would be taken.
            throw new ArgumentTransformationMetadataException(
                $"{number} is a decimal number, as PowerShell reads {number}d without quotes. Write '{number}d' in quotes for days, or {number}s for seconds.");
        }

        string text = bare is TimeSpan span ? span.ToString("c", CultureInfo.InvariantCulture) : Convert.ToString(bare, CultureInfo.InvariantCulture) ?? "";
        return Parse(text.Trim()) ?? throw new ArgumentTransformationMetadataException(
            $"'{text}' is no duration. Give seconds, a TimeSpan, or text such as 30s, 5m, 1h, 7d.");
    }

    private static double Seconds(string unit) => unit.ToLowerInvariant() switch
    {
        "ms" => 0.001,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 86400,
    };

    [GeneratedRegex(@"^((?<count>\d{1,9}(\.\d{1,9})?)\s*(?<unit>ms|s|m|h|d)\s*)+$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Parts();
}
