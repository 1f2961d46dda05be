using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>A folder of databases that are to be replicated, each to a place of its own.</summary>
/// <param name="Folder">Where they are.</param>
/// <param name="Common">What is common to all; its destinations are the places below which each has its own.</param>
internal sealed record DirectoryReplication(DatabaseFolder Folder, ReplicationOptions Common)
{
    /// <summary>The common places, for people to read.</summary>
    internal string Place => string.Join(", ", Common.Destinations.Select(place => place.Address));

    /// <summary>What is to be done with one of them.</summary>
    /// <param name="database">Full path, in the folder.</param>
    internal ReplicationOptions Options(string database) => Common with
    {
        DatabasePath = database,
        Destinations = [.. Common.Destinations.Select(place => place.Below(Folder.PlaceOf(database)))],
    };

    /// <summary>Those that are there now.</summary>
    /// <exception cref="ReplicationException">There is none, or no such folder.</exception>
    internal IReadOnlyList<ReplicationOptions> Databases()
    {
        string[] found = System.IO.Directory.Exists(Folder.Path) ? [.. Folder.Candidates().Where(DatabaseFolder.IsDatabase)] : [];
        return found.Length > 0 ? [.. found.Select(Options)] : throw new ReplicationException(
            "DatabaseNotFound",
            $"There is no database '{Folder.Filter}' in '{Folder.Path}'. Nothing was started. -Recurse looks into its folders too, -Watch waits for databases to come.")
        {
            File = Folder.Path,
        };
    }
}
