using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Configuration;

/// <summary>One entry of <c>dbs</c>: a database, or a folder of databases.</summary>
public sealed record DatabaseConfiguration
{
    /// <summary>Full path of the database, or of the folder if there is a <see cref="Pattern"/>.</summary>
    public required string Path { get; init; }

    /// <summary><c>pattern</c>: which files of a folder are meant, as in <c>*.db</c>; null for a single database.</summary>
    public string? Pattern { get; init; }

    /// <summary><c>recursive</c>: folders below it too.</summary>
    public bool Recursive { get; init; }

    /// <summary><c>watch</c>: databases that come later too.</summary>
    public bool Watch { get; init; }

    /// <summary>The replicas' places; of a folder, where the replica of each database gets its relative path below.</summary>
    public required IReadOnlyList<ReplicaLocation> Destinations { get; init; }

    /// <summary><c>sync-interval</c>; null for the usual one.</summary>
    public TimeSpan? SyncInterval { get; init; }

    /// <summary><c>busy-timeout</c>; null for the usual one.</summary>
    public TimeSpan? BusyTimeout { get; init; }

    /// <summary><c>restore-if-db-not-exists</c>: bring the database back before replication begins.</summary>
    public bool RestoreIfMissing { get; init; }

    /// <summary>The database's own <c>snapshot</c> over the file's settings.</summary>
    public MaintenanceOptions Maintenance { get; init; } = new();

    /// <summary>The replicas' own <c>snapshot</c> and <c>l0-retention</c> over those, in the order of the destinations; empty where none has any.</summary>
    public IReadOnlyList<MaintenanceOptions> DestinationMaintenance { get; init; } = [];

    /// <summary>The folder that it means; null for a single database.</summary>
    public DatabaseFolder? Folder => Pattern is null ? null : new DatabaseFolder
    {
        Path = Path,
        Filter = Pattern,
        Recurse = Recursive,
        Except = [.. Destinations.OfType<FolderLocation>().Select(place => place.Path)],
    };

    /// <summary>The databases that it means at this moment: itself, or what lies in the folder.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public IEnumerable<DatabaseConfiguration> Expand() => Folder is not { } folder ? [this] : folder.Candidates()
        .Where(DatabaseFolder.IsDatabase)
        .Select(database => this with
        {
            Path = database,
            Pattern = null,
            Destinations = [.. Destinations.Select(place => place.Below(folder.PlaceOf(database)))],
        });

    /// <summary>The options of a replicator for a single database.</summary>
    public ReplicationOptions ToReplicationOptions()
    {
        ReplicationOptions usual = new() { DatabasePath = Path, Destinations = Destinations };
        return usual with
        {
            SyncInterval = SyncInterval,
            BusyTimeout = BusyTimeout ?? usual.BusyTimeout,
            Maintenance = Maintenance,
            DestinationMaintenance = DestinationMaintenance,
        };
    }
}
