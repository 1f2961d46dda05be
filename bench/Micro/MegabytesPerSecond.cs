using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Litestream.Bench.Micro;

/// <summary>How much content of pages one core gets through.</summary>
internal sealed class MegabytesPerSecond : IColumn
{
    public string Id => nameof(MegabytesPerSecond);

    public string ColumnName => "MB/s";

    public string Legend => "Content of pages in millions of bytes a second, of one core";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Statistics;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        const double bytesPerNanosecondInMegabytes = 1000;
        return summary[benchmarkCase]?.ResultStatistics is { Mean: > 0 } result
            ? (SomePages.Bytes / result.Mean * bytesPerNanosecondInMegabytes).ToString("#,##0", CultureInfo.InvariantCulture)
            : "?";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
