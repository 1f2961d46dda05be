using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;

namespace Litestream.Bench.Micro;

/// <summary>Benchmarks whose operation is one pass over <see cref="SomePages"/>: with what they allocate and their megabytes a second, what belongs together in groups.</summary>
internal sealed class PageConfig : ManualConfig
{
    public PageConfig()
    {
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new MegabytesPerSecond(), CategoriesColumn.Default);
        AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory);
    }
}
