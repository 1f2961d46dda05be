using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// Takes a moment as a DateTime, a DateTimeOffset, ISO 8601 text (<c>2026-11-22T10:00Z</c>; local time without a zone) or an age
/// (<c>5 minutes ago</c>).
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed partial class MomentAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value switch
        {
            // A DateTime that does not say is local, as PowerShell's own cmdlets take it.
            DateTime time => new DateTimeOffset(time.Kind == DateTimeKind.Unspecified ? DateTime.SpecifyKind(time, DateTimeKind.Local) : time),
            string text => Parse(text.Trim(), DateTimeOffset.UtcNow) ?? throw new ArgumentTransformationMetadataException(
                $"'{text}' is no moment. Give a DateTime, text such as 2026-11-22T10:00Z, or an age such as '5 minutes ago'."),
            _ => inputData,
        };
    }

    /// <summary>Reads a moment; null if the text is none.</summary>
    /// <param name="text">What was given.</param>
    /// <param name="now">From when an age counts.</param>
    internal static DateTimeOffset? Parse(string text, DateTimeOffset now)
    {
        if (Age().Match(text) is { Success: true } age)
        {
            double count = double.Parse(age.Groups["count"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
            TimeSpan unit = char.ToLowerInvariant(age.Groups["unit"].ValueSpan[0]) switch
            {
                's' => TimeSpan.FromSeconds(1),
                'm' => TimeSpan.FromMinutes(1),
                'h' => TimeSpan.FromHours(1),
                'd' => TimeSpan.FromDays(1),
                _ => TimeSpan.FromDays(7),
            };
            return count * unit.TotalDays < (now - DateTimeOffset.MinValue).TotalDays ? now - (unit * count) : null;
        }

        return IsoDate().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset time) ? time : null;
    }

    [GeneratedRegex(
        @"^(?<count>\d{1,9}(\.\d{1,9})?)\s*(?<unit>s(ec(ond)?s?)?|m(in(ute)?s?)?|h((ou)?rs?)?|d(ays?)?|w(eeks?)?)\s+ago$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Age();

    // Year first: what day 3/4/2026 is depends on who reads it.
    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}([T ]|$)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex IsoDate();
}
