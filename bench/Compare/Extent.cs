using System.Globalization;

namespace Litestream.Bench.Compare;

/// <summary>How large the work was that a figure is of: the axis along which its growth is looked at.</summary>
/// <param name="Count">How many.</param>
/// <param name="Unit">Of what.</param>
internal sealed record Extent(double Count, string Unit)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count:#,##0} {Unit}");
}
