namespace Litestream.Bench.Compare.Works;

/// <summary>One piece of work.</summary>
internal interface IWork
{
    /// <summary>Whether it is done by this project alone.</summary>
    bool OnlyOurs => false;

    Task RunAsync(Bench bench);
}
