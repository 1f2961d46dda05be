namespace Litestream.Bench.Compare.Plots;

/// <summary>How a measure should grow with the extent of the work: by which power.</summary>
internal enum Slope
{
    Constant = 0,
    Linear = 1,
}
