namespace Litestream.Tests.Soak;

/// <summary>The place of a replica in a folder is gone for a while, as a share that is not mounted: a file stands where the folder was.</summary>
internal sealed class OutageFault(IReadOnlyList<SoakedDatabase> databases) : IFault
{
    public string Name => "outage";

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        SoakedDatabase database = databases[draw.Next(databases.Count)];
        string away = database.Replica + ".away";
        if (!Directory.Exists(database.Replica))
        {
            return $"{database.Name} has no replica yet";
        }

        Directory.Move(database.Replica, away);
        try
        {
            await File.WriteAllTextAsync(database.Replica, "out of reach", stop);
            await Task.Delay(length, stop);
        }
        finally
        {
            File.Delete(database.Replica);
            Directory.Move(away, database.Replica);
        }

        return database.Name;
    }
}
