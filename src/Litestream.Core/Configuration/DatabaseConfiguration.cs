using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Configuration;

/// <summary>One entry of <c>dbs</c>: a database, or a folder of databases.</summary>
public sealed record DatabaseConfiguration
{
    private static readonly byte[] Magic = "SQLite format 3\0"u8.ToArray();

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

    /// <summary>The databases that it means at this moment: itself, or what lies in the folder.</summary>
    public IEnumerable<DatabaseConfiguration> Expand()
    {
        if (Pattern is null)
        {
            return [this];
        }

        EnumerationOptions all = new() { RecurseSubdirectories = Recursive, MatchCasing = MatchCasing.PlatformDefault };
        return Directory.EnumerateFiles(Path, Pattern, all)
            .Where(IsDatabase)
            .Order(StringComparer.Ordinal)
            .Select(file => this with
            {
                Path = file,
                Pattern = null,
                Destinations = [.. Destinations.Select(place => Below(place, System.IO.Path.GetRelativePath(Path, file)))],
            });
    }

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

    private static ReplicaLocation Below(ReplicaLocation place, string relative) => place switch
    {
        S3Location s3 => s3 with { Path = $"{s3.Path}/{relative.Replace(System.IO.Path.DirectorySeparatorChar, '/')}".Trim('/') },
        _ => FolderLocation.OfPath(System.IO.Path.Combine(place.Address, relative)),
    };

    // By its first bytes. Nothing here has it open through SQLite, so that no lock goes when this handle is closed.
    private static bool IsDatabase(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            Span<byte> start = stackalloc byte[Magic.Length];
            return file.ReadAtLeast(start, Magic.Length, throwOnEndOfStream: false) == Magic.Length && start.SequenceEqual(Magic);
        }
        catch (IOException)
        {
            return false; // gone between the listing and the look
        }
    }
}
