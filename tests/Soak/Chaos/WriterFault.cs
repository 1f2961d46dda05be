namespace Litestream.Tests.Soak;

/// <summary>An application is killed in the middle of what it does, or ends in order, and comes back a while later.</summary>
internal sealed class WriterFault(IReadOnlyList<SoakedDatabase> databases) : IFault
{
    public string Name => "writer";

    public bool Excuses => false;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        SoakedDatabase database = databases[draw.Next(databases.Count)];
        bool inOrder = draw.Next(3) == 0;
        try
        {
            await database.Writer.PauseAsync(inOrder);
            await Task.Delay(draw.Next(2) == 0 ? TimeSpan.Zero : length, stop);
        }
        finally
        {
            database.Writer.Resume();
        }

        return $"{database.Name} {(inOrder ? "ended in order" : "killed")}";
    }
}
