namespace Litestream.Diagnostics;

/// <summary>One number at one moment.</summary>
/// <param name="Family">Prometheus name of what is measured, as in <c>litestream_txid</c>.</param>
/// <param name="Kind">Prometheus type: <c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
/// <param name="Help">What it is, in words.</param>
/// <param name="Name">The sample's own name: the family's, and for a histogram <c>_bucket</c>, <c>_sum</c> or <c>_count</c> after it.</param>
/// <param name="Labels">Names and values, in the order of their names.</param>
/// <param name="Value">The number.</param>
public sealed record MetricSample(
    string Family, string Kind, string Help, string Name, IReadOnlyList<KeyValuePair<string, string>> Labels, double Value);
