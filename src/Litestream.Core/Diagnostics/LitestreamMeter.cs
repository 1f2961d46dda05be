using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Litestream.Diagnostics;

/// <summary>
/// What this library counts, on one <see cref="System.Diagnostics.Metrics.Meter"/>, and the one source of its activities; an OpenTelemetry
/// exporter names both <c>Litestream</c>. With underscores for dots the names are Litestream's own (its 0.5 documentation, "Metrics"); those
/// that it lacks are ours.
/// </summary>
public static class LitestreamMeter
{
    /// <summary>The meter's and the activity source's name.</summary>
    public const string Name = "Litestream";

    // Before the instruments, which are made on it.
    private static readonly Meter OfLibrary = new(Name);

    private static readonly Counter<long> Syncs = Counter("litestream.sync.count", "Captured batches of commits");
    private static readonly Counter<long> SyncErrors = Counter("litestream.sync.error.count", "Errors while capturing or sending");
    private static readonly Counter<double> SyncSeconds = OfLibrary.CreateCounter<double>("litestream.sync.seconds", "s", "Time spent capturing");
    private static readonly Counter<long> VerificationErrors = Counter("litestream.compaction.verify.error.count", "Merged files and full images that did not read back as they were written, or whose inputs did not");
    private static readonly Counter<long> WalBytes = Counter("litestream.total_wal_bytes", "Bytes of WAL captured");
    private static readonly Counter<long> Checkpoints = Counter("litestream.checkpoint.count", "Checkpoints made");
    private static readonly Counter<long> CheckpointErrors = Counter("litestream.checkpoint.error.count", "Checkpoints that failed");
    private static readonly Counter<double> CheckpointSeconds = OfLibrary.CreateCounter<double>("litestream.checkpoint.seconds", "s", "Time spent in checkpoints");
    private static readonly Counter<long> Operations = Counter("litestream.replica.operation.total", "Operations on replicas");
    private static readonly Counter<long> OperationBytes = Counter("litestream.replica.operation.bytes", "Bytes sent to and read from replicas");
    private static readonly Counter<long> OperationErrors = Counter("litestream.replica.operation.errors.total", "Operations on replicas that failed");

    private static readonly Histogram<double> OperationSeconds = OfLibrary.CreateHistogram<double>(
        "litestream.replica.operation.duration_seconds",
        "s",
        "Time that an operation on a replica took",
        tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [.01, .05, .1, .5, 1, 5, 10, 30, 60] });

    /// <summary>The meter.</summary>
    public static Meter Meter => OfLibrary;

    /// <summary>Source of an activity for each operation on a replica. Captures have none: they are too many.</summary>
    public static ActivitySource Activities { get; } = new(Name);

    /// <summary>Counts a captured batch.</summary>
    /// <param name="database">Full path of the database.</param>
    /// <param name="walBytes">Bytes of WAL that it covers.</param>
    /// <param name="elapsed">How long it took.</param>
    internal static void CountSync(string database, long walBytes, TimeSpan elapsed)
    {
        KeyValuePair<string, object?> db = new("db", database);
        Syncs.Add(1, db);
        SyncSeconds.Add(elapsed.TotalSeconds, db);
        WalBytes.Add(walBytes, db);
    }

    /// <summary>Counts an error of capture or upload.</summary>
    /// <param name="database">Full path of the database.</param>
    internal static void CountSyncError(string database) => SyncErrors.Add(1, new KeyValuePair<string, object?>("db", database));

    /// <summary>Counts a file that maintenance found damaged.</summary>
    /// <param name="database">Full path of the database.</param>
    internal static void CountVerificationError(string database) => VerificationErrors.Add(1, new KeyValuePair<string, object?>("db", database));

    /// <summary>Counts a checkpoint.</summary>
    /// <param name="database">Full path of the database.</param>
    /// <param name="failed">It threw.</param>
    /// <param name="elapsed">How long it took.</param>
    internal static void CountCheckpoint(string database, bool failed, TimeSpan elapsed)
    {
        KeyValuePair<string, object?> db = new("db", database);
        KeyValuePair<string, object?> mode = new("mode", "PASSIVE");
        (failed ? CheckpointErrors : Checkpoints).Add(1, db, mode);
        CheckpointSeconds.Add(elapsed.TotalSeconds, db, mode);
    }

    /// <summary>Counts an operation on a replica.</summary>
    /// <param name="type">Kind of place: <c>file</c>, <c>s3</c>.</param>
    /// <param name="operation"><c>PUT</c>, <c>GET</c>, <c>LIST</c>, <c>COPY</c>, <c>DELETE</c>.</param>
    /// <param name="bytes">Bytes sent or read.</param>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="error">The stable id of the error that it ended with, or null.</param>
    internal static void CountOperation(string type, string operation, long bytes, TimeSpan elapsed, string? error)
    {
        KeyValuePair<string, object?> kind = new("replica_type", type);
        KeyValuePair<string, object?> what = new("operation", operation);
        Operations.Add(1, kind, what);
        OperationSeconds.Record(elapsed.TotalSeconds, kind, what);
        if (bytes > 0)
        {
            OperationBytes.Add(bytes, kind, what);
        }

        if (error is not null)
        {
            OperationErrors.Add(1, kind, what, new KeyValuePair<string, object?>("code", error));
        }
    }

    /// <summary>Counts the bytes of a read that is over.</summary>
    /// <param name="type">Kind of place.</param>
    /// <param name="bytes">How many.</param>
    internal static void CountRead(string type, long bytes) =>
        OperationBytes.Add(bytes, new KeyValuePair<string, object?>("replica_type", type), new KeyValuePair<string, object?>("operation", "GET"));

    private static Counter<long> Counter(string name, string help) => OfLibrary.CreateCounter<long>(name, unit: null, help);
}
