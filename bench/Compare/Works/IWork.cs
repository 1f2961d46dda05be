namespace Litestream.Bench.Compare.Works;

/// <summary>One piece of work that all subjects do.</summary>
internal interface IWork
{
    Task RunAsync(Bench bench);
}
