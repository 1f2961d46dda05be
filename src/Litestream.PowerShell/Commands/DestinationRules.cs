using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>One place holds one database: two in one place, or one inside another's, would overwrite each other's files.</summary>
internal static class DestinationRules
{
    /// <summary>Looks for two that would get in each other's way.</summary>
    /// <param name="wanted">What is to be started.</param>
    /// <param name="running">What this session replicates already: database and place.</param>
    /// <returns>The error, or null.</returns>
    internal static ReplicationException? Violation(
        IReadOnlyList<ReplicationOptions> wanted, IEnumerable<(string Database, string Place)> running)
    {
        List<(string Database, string Place)> seen = [.. running];
        int old = seen.Count;
        foreach (ReplicationOptions options in wanted)
        {
            foreach (string place in options.Destinations.Select(destination => destination.Address))
            {
                for (int i = 0; i < seen.Count; i++)
                {
                    // One place for one running database twice is refused by the engine, which can name the other process too.
                    bool same = i >= old && DatabasePaths.Same(seen[i].Place, place);
                    bool nested = DatabasePaths.IsInside(seen[i].Place, place) || DatabasePaths.IsInside(place, seen[i].Place);
                    if (same || nested)
                    {
                        return Error(options.DatabasePath, place, seen[i], same);
                    }
                }

                seen.Add((options.DatabasePath, place));
            }
        }

        return null;
    }

    private static ReplicationException Error(string database, string place, (string Database, string Place) other, bool same)
    {
        string how = !same ? $"'{place}' for '{database}' and '{other.Place}' for '{other.Database}' lie one inside the other"
            : DatabasePaths.Same(database, other.Database) ? $"'{place}' is given twice for '{database}'"
            : $"'{other.Database}' and '{database}' were both to be replicated to '{place}'";
        return new ReplicationException(
            ErrorTable.DestinationShared,
            $"{how}, but a place holds the replica of one database. Nothing was started. Give each database a place of its own: pipe "
            + "objects with the properties Path and Destination to Start-SqliteReplication.")
        {
            Replica = place,
        };
    }
}
