using System.Globalization;
using System.Net;
using System.Text;

namespace Litestream.Bench.Compare.Plots;

/// <summary>
/// One measure over the extent of the work as a small picture: each turn a dot, the medians joined, and dashed how it should grow. What should be
/// constant is laid through the smallest work, so that growth rises above it; what should be linear through the largest, where what every start
/// costs weighs least. Both axes are logarithmic. What is 0 (or less) stands on the bottom line as a ring. Legible on light and dark pages.
/// </summary>
/// <param name="work">What was done.</param>
/// <param name="measure">What was measured.</param>
/// <param name="slope">How it should grow.</param>
/// <param name="figures">The figures, each with its extent.</param>
internal sealed class GrowthPlot(string work, string measure, Slope slope, IReadOnlyList<Figure> figures)
{
    private const int Width = 340;
    private const int Height = 240;
    private const int Left = 56;
    private const int Right = Width - 14;
    private const int Top = 46;
    private const int Bottom = Height - 36;

    private const string Style = """
        <style>
          .page { fill: #fff } text { fill: #1f2328; font: 11px sans-serif } .title { font-weight: bold; font-size: 12px } .faint { fill: #59636e }
          .grid { stroke: #d1d9e0 } .median { stroke: #0969da; fill: none; stroke-width: 1.5 } .dot { fill: #0969da } .ring { stroke: #0969da; fill: none }
          .slope { stroke: #bc4c00; stroke-dasharray: 5 4; fill: none } .note { fill: #bc4c00 }
          @media (prefers-color-scheme: dark) {
            .page { fill: #0d1117 } text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
            .median { stroke: #4493f8 } .dot { fill: #4493f8 } .ring { stroke: #4493f8 } .slope { stroke: #f0883e } .note { fill: #f0883e }
          }
        </style>
        """;

    private readonly (double X, double Y)[] _medians =
    [
        .. figures.GroupBy(figure => figure.At!.Count).OrderBy(group => group.Key)
            .Select(group => (group.Key, Figures.Median(group.Select(figure => figure.Value))!.Value)),
    ];

    private readonly StringBuilder _svg = new();

    public string ToSvg()
    {
        LogAxis x = LogAxis.Around([.. _medians.Select(point => point.X)], Left, Right);
        LogAxis y = LogAxis.OfDecades([.. figures.Select(figure => figure.Value).Where(value => value > 0)], Bottom, Top);
        _svg.Clear();
        Write($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Width}\" height=\"{Height}\" viewBox=\"0 0 {Width} {Height}\" role=\"img\">");
        _svg.AppendLine(Style);
        Write($"<rect class=\"page\" width=\"{Width}\" height=\"{Height}\"/>");
        Text(12, 18, "title", "start", work);
        Text(12, 34, "faint", "start", measure);
        DrawGrid(x, y);
        DrawSlope(x, y);
        DrawPoints(x, y);
        _svg.AppendLine("</svg>");
        return _svg.ToString();
    }

    private void DrawGrid(LogAxis x, LogAxis y)
    {
        foreach (double value in y.Decades())
        {
            Write($"<path class=\"grid\" d=\"M{Left} {y.Place(value):0.#}H{Right}\"/>");
            Text(Left - 6, y.Place(value) + 4, "faint", "end", Number(value));
        }

        foreach ((double value, _) in _medians)
        {
            Write($"<path class=\"grid\" d=\"M{x.Place(value):0.#} {Top}V{Bottom}\"/>");
            Text(x.Place(value), Bottom + 14, "faint", "middle", Number(value));
        }

        Text((Left + Right) / 2, Bottom + 29, "faint", "middle", figures.MaxBy(figure => figure.At!.Count)!.At!.Unit);
    }

    private void DrawSlope(LogAxis x, LogAxis y)
    {
        (double X, double Y)[] positive = [.. _medians.Where(point => point.Y > 0)];
        if (positive.Length > 0)
        {
            (double X, double Y) pivot = slope == Slope.Linear ? positive[^1] : positive[0];
            (double first, double last) = (At(_medians[0].X), At(_medians[^1].X));
            Write($"<clipPath id=\"plot\"><rect x=\"{Left}\" y=\"{Top}\" width=\"{Right - Left}\" height=\"{Bottom - Top}\"/></clipPath>");
            Write($"<path class=\"slope\" clip-path=\"url(#plot)\" d=\"M{x.Place(_medians[0].X):0.#} {first:0.#}L{x.Place(_medians[^1].X):0.#} {last:0.#}\"/>");
            Text(Right, 34, "note", "end", slope == Slope.Linear ? "dashed: linear" : "dashed: constant");

            double At(double extent) => y.Place(pivot.Y * Math.Pow(extent / pivot.X, (int)slope));
        }
    }

    private void DrawPoints(LogAxis x, LogAxis y)
    {
        IEnumerable<string> joined = _medians.Where(point => point.Y > 0)
            .Select(point => string.Create(CultureInfo.InvariantCulture, $"{x.Place(point.X):0.#},{y.Place(point.Y):0.#}"));
        Write($"<polyline class=\"median\" points=\"{string.Join(' ', joined)}\"/>");
        foreach ((double extent, _) in _medians.Where(point => point.Y <= 0))
        {
            Text(x.Place(extent), Bottom - 8, "faint", "middle", "0");
        }

        foreach (Figure figure in figures)
        {
            (string shape, double at) = figure.Value > 0 ? ("dot", y.Place(figure.Value)) : ("ring", Bottom);
            Write($"<circle class=\"{shape}\" cx=\"{x.Place(figure.At!.Count):0.#}\" cy=\"{at:0.#}\" r=\"2.5\"/>");
        }
    }

    private void Text(double x, double y, string kind, string anchor, string text) =>
        Write($"<text class=\"{kind}\" x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>");

    private void Write(FormattableString line) => _svg.AppendLine(line.ToString(CultureInfo.InvariantCulture));

    private static string Number(double value) => value.ToString("#,##0.######", CultureInfo.InvariantCulture);
}
