using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Litestream.Diagnostics;

namespace Litestream.Replication;

/// <summary>What can be read of every replication that runs in this process, as gauges of <see cref="LitestreamMeter"/>.</summary>
internal static class ReplicationGauges
{
    private static readonly ConcurrentDictionary<Replicator, bool> Running = [];

    static ReplicationGauges()
    {
        OfDatabase("litestream.db.size", "Size of the database file in bytes", status => SizeOf(status.DatabasePath));
        OfDatabase("litestream.wal.size", "Size of the WAL file in bytes", status => SizeOf(status.DatabasePath + "-wal"));
        OfDatabase("litestream.txid", "The last transaction id captured", status => status.CapturedTxid);
        OfDatabase("litestream.disk_full", "1 while nothing can be captured because the disk of the database is full", status => status.DiskFull ? 1 : 0);
        OfCaptures("litestream.l0_retention_files_total", "Captured files in the replica, by what retention waits for");
        OfReplica("litestream.replica_txid", "The last transaction id that is durable in the replica", place => place.ReplicaTxid);
        OfReplica("litestream.lag_seconds", "Age of the oldest captured transaction that is not in the replica yet", place => place.Lag.TotalSeconds);
        OfReplica("litestream.lag_bytes", "Bytes captured but not in the replica yet", place => place.LagBytes);
        OfReplica("litestream.last_sync_timestamp_seconds", "When the replica was last known to hold everything captured", place => Seconds(place.LastSyncAt));
        OfReplica("litestream.last_verify_timestamp_seconds", "When the replica was last proven to restore to the live database", place => Seconds(place.LastVerifiedAt));
        OfReplica("litestream.verified_txid", "The transaction id up to which that was proven", place => place.VerifiedTxid);
        OfReplica("litestream.up", "1 while the replica gets every commit as it comes and is not known to be damaged", place => place.State == ReplicationState.Streaming ? 1 : 0);
    }

    /// <summary>Shows a replication from now on.</summary>
    /// <param name="replicator">It.</param>
    public static void Add(Replicator replicator) => Running[replicator] = true;

    /// <summary>Shows it no more.</summary>
    /// <param name="replicator">It.</param>
    public static void Remove(Replicator replicator) => Running.TryRemove(replicator, out _);

    private static void OfDatabase(string name, string help, Func<ReplicationStatus, double> value) =>
        LitestreamMeter.Meter.CreateObservableGauge(
            name,
            () => Running.Keys.Select(replicator => replicator.Status)
                .Select(status => new Measurement<double>(value(status), new KeyValuePair<string, object?>("db", status.DatabasePath))),
            unit: null,
            help);

    private static void OfReplica(string name, string help, Func<DestinationStatus, double> value) =>
        LitestreamMeter.Meter.CreateObservableGauge(
            name,
            () => Running.Keys.Select(replicator => replicator.Status).SelectMany(status => status.Destinations.Select(place => new Measurement<double>(
                value(place),
                new KeyValuePair<string, object?>("db", status.DatabasePath),
                new KeyValuePair<string, object?>("replica", place.Destination)))),
            unit: null,
            help);

    private static void OfCaptures(string name, string help) =>
        LitestreamMeter.Meter.CreateObservableGauge(
            name,
            () => Running.Keys.Select(replicator => replicator.Status).SelectMany(status => status.Destinations.SelectMany(place => new[]
            {
                Captures(status, place, "eligible", place.Captures.Eligible),
                Captures(status, place, "not_compacted", place.Captures.NotMerged),
                Captures(status, place, "too_recent", place.Captures.TooRecent),
            })),
            unit: null,
            help);

    private static Measurement<double> Captures(ReplicationStatus status, DestinationStatus place, string state, int count) => new(
        count,
        new KeyValuePair<string, object?>("db", status.DatabasePath),
        new KeyValuePair<string, object?>("replica", place.Destination),
        new KeyValuePair<string, object?>("status", state));

    // Looked up by name, never opened: to close a file of the database would drop SQLite's locks on it.
    private static double SizeOf(string path) => new FileInfo(path) is { Exists: true, Length: long length } ? length : 0;

    private static double Seconds(DateTimeOffset? moment) => moment is { } at ? (at - DateTimeOffset.UnixEpoch).TotalSeconds : 0;
}
