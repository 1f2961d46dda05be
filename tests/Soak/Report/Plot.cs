using System.Globalization;
using System.Net;
using System.Text;

namespace Litestream.Tests.Soak;

/// <summary>One curve over the time of the soak, as inline SVG: faults as bands, checks as ticks below, a failure as a line.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Unit">Of the values.</param>
/// <param name="Points">Seconds and values; no value breaks the curve.</param>
/// <param name="Color">A class of the page's style.</param>
internal sealed record Plot(string Title, string Unit, IReadOnlyList<(double Seconds, double? Value)> Points, string Color)
{
    private const int Width = 1060;
    private const int Height = 150;
    private const int Left = 64;
    private const int Right = 12;
    private const int Top = 10;
    private const int Bottom = 24;
    private const int MostTicks = 10;

    private static readonly double[] TimeSteps =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];

    /// <summary>Draws it.</summary>
    /// <param name="history">For the marks.</param>
    /// <param name="end">Where the time axis ends, in seconds.</param>
    public string Draw(SoakHistory history, double end)
    {
        double most = Points.Select(point => point.Value ?? 0).DefaultIfEmpty().Max();
        double step = NiceStep(most / 3);
        double ceiling = Math.Max(step * Math.Ceiling(most / step), step);
        StringBuilder svg = new();
        Line(svg, $"<svg viewBox='0 0 {Width} {Height}' role='img' aria-label='{WebUtility.HtmlEncode(Title)}'>");
        foreach (FaultRecord fault in history.Faults)
        {
            double x = X(fault.Begin, end);
            Line(svg, $"<rect class='fault {fault.Name}' x='{x:0.0}' y='{Top}' width='{Math.Max(X(fault.Recovered, end) - x, 2):0.0}' height='{Height - Top - Bottom}'><title>{WebUtility.HtmlEncode(Words(fault))}</title></rect>");
        }

        for (double value = 0; value <= ceiling * 1.001; value += step)
        {
            double y = Y(value, ceiling);
            Line(svg, $"<line class='grid' x1='{Left}' x2='{Width - Right}' y1='{y:0.0}' y2='{y:0.0}'/><text class='value' x='{Left - 8}' y='{y + 4:0.0}'>{Number(value)}</text>");
        }

        double timeStep = TimeSteps.FirstOrDefault(candidate => end / candidate <= MostTicks, TimeSteps[^1]);
        for (double seconds = 0; seconds <= end; seconds += timeStep)
        {
            Line(svg, $"<text class='time' x='{X(seconds, end):0.0}' y='{Height - 6}'>{Clock(seconds)}</text>");
        }

        Curve(svg, end, ceiling);
        foreach (double check in history.Checks)
        {
            Line(svg, $"<line class='check' x1='{X(check, end):0.0}' x2='{X(check, end):0.0}' y1='{Height - Bottom}' y2='{Height - Bottom + 6}'/>");
        }

        if (history.FailedAt is { } failed)
        {
            Line(svg, $"<line class='failure' x1='{X(failed, end):0.0}' x2='{X(failed, end):0.0}' y1='{Top}' y2='{Height - Bottom}'/>");
        }

        svg.Append("</svg>");
        return $"<figure><figcaption>{WebUtility.HtmlEncode(Title)} <small>{WebUtility.HtmlEncode(Unit)}</small></figcaption>{svg}</figure>";
    }

    /// <summary>A time since the beginning.</summary>
    public static string Clock(double seconds)
    {
        TimeSpan time = TimeSpan.FromSeconds(seconds);
        return time.ToString(time.TotalDays >= 1 ? @"d\.hh\:mm" : time.TotalHours >= 1 ? @"h\:mm\:ss" : @"m\:ss", CultureInfo.InvariantCulture);
    }

    /// <summary>A fault in a few words.</summary>
    public static string Words(FaultRecord fault) =>
        FormattableString.Invariant($"{fault.Name}{(fault.Detail is null ? "" : $" ({fault.Detail})")} at {Clock(fault.Begin)} for {fault.End - fault.Begin:0.0} s, recovered {fault.Recovered - fault.End:0.0} s later");

    /// <summary>A line, and the surface below it; both end where a value is missing.</summary>
    private void Curve(StringBuilder svg, double end, double ceiling)
    {
        List<(double X, double Y)> run = [];
        foreach ((double seconds, double? value) in Points.Append((end, null)))
        {
            if (value is { } known)
            {
                run.Add((X(seconds, end), Y(known, ceiling)));
                continue;
            }

            if (run.Count > 0)
            {
                string path = string.Join(' ', run.Select(point => FormattableString.Invariant($"{point.X:0.0},{point.Y:0.0}")));
                double floor = Y(0, ceiling);
                Line(svg, $"<polygon class='area {Color}' points='{run[0].X:0.0},{floor:0.0} {path} {run[^1].X:0.0},{floor:0.0}'/>");
                Line(svg, $"<polyline class='curve {Color}' points='{path}'/>");
                run.Clear();
            }
        }
    }

    private static double X(double seconds, double end) => Left + ((Width - Left - Right) * Math.Clamp(seconds / Math.Max(end, 1), 0, 1));

    private static double Y(double value, double ceiling) => Height - Bottom - ((Height - Top - Bottom) * value / ceiling);

    private static double NiceStep(double raw)
    {
        double magnitude = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(raw, 1e-3))));
        double[] steps = [1, 2, 2.5, 5, 10];
        return steps.First(step => step * magnitude >= raw * 0.999 || step == 10) * magnitude;
    }

    private static string Number(double value) => value.ToString(value is > 0 and < 1 ? "0.###" : "#,0.#", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder svg, FormattableString text) => svg.AppendLine(text.ToString(CultureInfo.InvariantCulture));
}
