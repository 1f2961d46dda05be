using Litestream.Configuration;

namespace Litestream.PowerShell;

/// <summary>One database of a configuration file. Start-SqliteReplication takes path and destinations from the pipeline.</summary>
public sealed record SqliteReplicationConfiguration
{
    /// <summary>Full path of the database.</summary>
    public required string Path { get; init; }

    /// <summary>The replicas' places.</summary>
    public required string[] Destination { get; init; }

    /// <summary>How long commits are gathered into one file; null for the usual time.</summary>
    public TimeSpan? SyncInterval { get; init; }

    /// <summary>How much time one merged file of level 1, 2, 3 … covers.</summary>
    public TimeSpan[] CompactionInterval { get; init; } = [];

    /// <summary>How often a full image is made.</summary>
    public TimeSpan SnapshotInterval { get; init; }

    /// <summary>For how long back every kept instant can be restored.</summary>
    public TimeSpan SnapshotRetention { get; init; }

    /// <summary>For how long every single capture can be restored.</summary>
    public TimeSpan Level0Retention { get; init; }

    /// <summary>Whether nothing is merged or deleted.</summary>
    public bool NoMaintenance { get; init; }

    /// <summary>Whether a database that is not there is restored before replication begins.</summary>
    public bool RestoreIfMissing { get; init; }

    /// <summary>The file that says so.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>The entry itself.</summary>
    internal DatabaseConfiguration? Entry { get; init; }

    /// <summary>Makes the output object of an entry.</summary>
    /// <param name="entry">Of a single database.</param>
    /// <param name="file">The configuration file.</param>
    internal static SqliteReplicationConfiguration From(DatabaseConfiguration entry, string file) => new()
    {
        Path = entry.Path,
        Destination = [.. entry.Destinations.Select(place => SessionLocations.Remember(place).Address)],
        SyncInterval = entry.SyncInterval,
        CompactionInterval = [.. entry.Maintenance.Levels],
        SnapshotInterval = entry.Maintenance.SnapshotInterval,
        SnapshotRetention = entry.Maintenance.SnapshotRetention,
        Level0Retention = entry.Maintenance.Level0Retention,
        NoMaintenance = !entry.Maintenance.Enabled,
        RestoreIfMissing = entry.RestoreIfMissing,
        ConfigurationPath = file,
        Entry = entry,
    };

    /// <summary>Path and destinations.</summary>
    public override string ToString() => $"{Path} -> {string.Join(", ", Destination)}";
}
