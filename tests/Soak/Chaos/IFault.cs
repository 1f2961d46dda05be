namespace Litestream.Tests.Soak;

/// <summary>One thing that goes wrong, or that an application may do, and what undoes it.</summary>
internal interface IFault
{
    /// <summary>The word for it in <c>-Chaos</c>.</summary>
    string Name { get; }

    /// <summary>Whether operations of the replicator may fail meanwhile.</summary>
    bool Excuses { get; }

    /// <summary>Does it, waits, and undoes it.</summary>
    /// <param name="draw">Decides how.</param>
    /// <param name="length">How long it lasts.</param>
    /// <param name="stop">Ends it early; it is undone all the same.</param>
    /// <returns>More about what was done, for the log; may be null.</returns>
    Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop);
}
