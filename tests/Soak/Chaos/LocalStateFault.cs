namespace Litestream.Tests.Soak;

/// <summary>The replicator is killed and what it keeps beside a database is lost, as when only the database was moved to a new machine.</summary>
internal sealed class LocalStateFault(ISubject subject, IReadOnlyList<SoakedDatabase> databases) : IFault
{
    public string Name => "forget";

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        SoakedDatabase database = databases[draw.Next(databases.Count)];
        subject.IsHeld = true;
        try
        {
            await subject.StopAsync();
            await subject.ForgetAsync(database, stop);
            await Task.Delay(length / 2, stop);
            return database.Name;
        }
        finally
        {
            subject.IsHeld = false;
        }
    }
}
