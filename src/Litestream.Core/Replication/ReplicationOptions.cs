using System.Globalization;
using Litestream.Maintenance;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>What to replicate, where to, and how eagerly. The defaults suit one busy database and a local folder.</summary>
public sealed record ReplicationOptions
{
    /// <summary>Path of the database file. It need not exist yet, see <see cref="WaitForDatabase"/>.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>The replicas' places, at least one, all different.</summary>
    public required IReadOnlyList<ReplicaLocation> Destinations { get; init; }

    /// <summary>Wait for a database that does not exist yet, or is empty, instead of failing.</summary>
    public bool WaitForDatabase { get; init; }

    /// <summary>Keep trying to reach the replica at the start instead of failing. Once it streams, it always keeps trying.</summary>
    public bool WaitForReplica { get; init; } = true;

    /// <summary>Continue a replica that this database has no record of, after every page of both has been compared.</summary>
    public bool AdoptReplica { get; init; }

    /// <summary>The replica is damaged or has a gap: begin with what leads from its last good point to the live database, or with a full image.</summary>
    internal RebaseBasis? Rebase { get; init; }

    /// <summary>Bytes of captured files that may wait locally for the replica. Above it capture pauses and the WAL grows instead.</summary>
    public long MaxStagingBytes { get; init; } = 1L << 30;

    /// <summary>WAL size in bytes from which we checkpoint.</summary>
    public long CheckpointBytes { get; init; } = 4L << 20;

    /// <summary>WAL size in bytes from which a checkpoint may make writers wait for the tail.</summary>
    public long BlockingCheckpointBytes { get; init; } = 16L << 20;

    /// <summary>Pause between two looks at the WAL while there are commits.</summary>
    public TimeSpan BusyInterval { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Longest pause between two looks while nothing happens.</summary>
    public TimeSpan IdleInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often the locks and files of a database are looked at; with many databases less often.</summary>
    internal TimeSpan IntactInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Longest time that commits may stay in the WAL uncaptured while the replica still takes earlier ones; until then
    /// they are gathered into one file.
    /// </summary>
    public TimeSpan MaxGatherInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long captures are gathered into one file for the replica; each stands in the local state within milliseconds. Null: not at all for
    /// folders, 1 s for services that are paid by the request.
    /// </summary>
    public TimeSpan? SyncInterval { get; init; }

    /// <summary>How a replica is kept small.</summary>
    public MaintenanceOptions Maintenance { get; init; } = new();

    /// <summary>How each replica is kept small, in the order of the destinations; empty where <see cref="Maintenance"/> is for all of them.</summary>
    public IReadOnlyList<MaintenanceOptions> DestinationMaintenance { get; init; } = [];

    /// <summary>
    /// How long after one test of the replicas the next begins; null for none. <c>Verification.ContinuousVerification</c> makes them, beside
    /// the replicator.
    /// </summary>
    public TimeSpan? VerifyInterval { get; init; }

    /// <summary>How one replica is kept small.</summary>
    /// <param name="destination">Which, in the order of the destinations.</param>
    public MaintenanceOptions MaintenanceOf(int destination) =>
        DestinationMaintenance.Count == 0 ? Maintenance : DestinationMaintenance[destination];

    /// <summary>Refuses settings under which something that was promised could not be restored.</summary>
    /// <exception cref="MaintenanceSettingException">They contradict each other, or are not as many as the destinations.</exception>
    internal void ValidateMaintenance()
    {
        if (DestinationMaintenance.Count > 0 && DestinationMaintenance.Count != Destinations.Count)
        {
            throw new MaintenanceSettingException(string.Create(
                CultureInfo.InvariantCulture,
                $"There are {DestinationMaintenance.Count} settings of retention for {Destinations.Count} destinations. Give one for all, or one for each."));
        }

        for (int i = 0; i < Destinations.Count; i++)
        {
            MaintenanceOf(i).Validate();
        }
    }

    /// <summary>The gathering in force.</summary>
    internal TimeSpan EffectiveSyncInterval =>
        SyncInterval ?? (Destinations.All(place => place is FolderLocation) ? TimeSpan.Zero : TimeSpan.FromSeconds(1));

    /// <summary>How long to wait for a lock that another program holds.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest pause between two tries when the replica fails.</summary>
    public TimeSpan MaxRetryInterval { get; init; } = TimeSpan.FromSeconds(30);
}
