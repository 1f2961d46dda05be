using System.Management.Automation;
using Litestream.Maintenance;
using Litestream.PowerShell.Completion;
using Litestream.PowerShell.Observation;
using Litestream.PowerShell.Worker;
using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <para type="synopsis">Starts to stream every committed page of SQLite databases to replicas.</para>
/// <para type="description">By default replication runs in a worker process and the cmdlet returns an object for each database at once;
/// Get-, Sync- and Stop-SqliteReplication work with it, and when this process ends, however it ends, the worker does a last sync and ends
/// too. With -Wait replication runs in this process until Ctrl-C or SIGTERM, for services. With -Once it catches up and ends, for
/// scheduled tasks.</para>
/// </summary>
[Cmdlet(VerbsLifecycle.Start, "SqliteReplication", DefaultParameterSetName = PathSet, SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(SqliteReplication), typeof(SqliteReplicationRun), typeof(Job))]
public sealed partial class StartSqliteReplicationCommand : AsyncCmdlet
{
    private const string PathSet = "Path";
    private const string LiteralPathSet = "LiteralPath";
    private const string DirectorySet = "Directory";
    private const int DefaultTimeoutSeconds = 60;

    private static readonly TimeSpan ShortestHeartbeat = TimeSpan.FromMinutes(1);

    private readonly List<ReplicationOptions> _replications = [];
    private readonly List<DirectoryReplication> _watched = [];
    private ObservationOptions _observation = new();

    /// <summary>Databases, with wildcards.</summary>
    /// <remarks>
    /// Not from the pipeline by value: each database needs a destination of its own. A file object binds here, in the default set, so that its
    /// destination may come from the pipeline too; the file of exactly that name is meant, whatever letters it has.
    /// </remarks>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string[] Path { get; set; } = [];

    /// <summary>Databases; no letter is a wildcard.</summary>
    [Parameter(ParameterSetName = LiteralPathSet, Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("LP")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DatabaseFileCompleter))]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>A folder: every database in it is replicated, to a place of its own below the destination, named as it is below the folder.</summary>
    [Parameter(ParameterSetName = DirectorySet, Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Directory { get; set; } = "";

    /// <summary>Which file names are databases, with * and ?. Files that are none by their content are passed over in any case.</summary>
    [Parameter(ParameterSetName = DirectorySet)]
    [ValidateNotNullOrEmpty]
    public string Filter { get; set; } = "*";

    /// <summary>Databases in folders of the folder too.</summary>
    [Parameter(ParameterSetName = DirectorySet)]
    public SwitchParameter Recurse { get; set; }

    /// <summary>Databases that are made later too, and no more those that are deleted. A rename is both.</summary>
    [Parameter(ParameterSetName = DirectorySet)]
    public SwitchParameter Watch { get; set; }

    /// <summary>The replica's place: a folder, which need not exist, a <c>file://</c> or an <c>s3://</c> URL, or what New-SqliteReplicaLocation
    /// gives. A place holds one database. Several places: each gets everything, and none waits for another.</summary>
    [Parameter(ParameterSetName = PathSet, Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = LiteralPathSet, Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = DirectorySet, Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [Place]
    [ArgumentCompleter(typeof(ReplicaCompleter))]
    public string[] Destination { get; set; } = [];

    /// <summary>Replicates in this process until Ctrl-C or SIGTERM, then does a last sync. A database or a replica
    /// that is not there yet is awaited.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>Brings the replica up to date, ends, and puts out what was done.</summary>
    [Parameter]
    public SwitchParameter Once { get; set; }

    /// <summary>Continues a replica that this database has no record of, after every page of both has been compared.</summary>
    [Parameter]
    public SwitchParameter AdoptReplica { get; set; }

    /// <summary>How many bytes may wait beside the database for a slow or absent replica. Above it the WAL grows instead.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long MaxStagingBytes { get; set; } = 1L << 30;

    /// <summary>How long captures are gathered into one file for the replica: lag against requests. By default 0 for folders and 1 s for S3.</summary>
    [Parameter]
    [Duration]
    [ArgumentCompletions("1s", "10s", "1m")]
    public TimeSpan? SyncInterval { get; set; }

    /// <summary>How much time one merged file of level 1, 2, 3 … covers; growing. By default 30s, 5m, 1h.</summary>
    [Parameter]
    [Duration]
    [ValidateNotNullOrEmpty]
    public TimeSpan[]? CompactionInterval { get; set; }

    /// <summary>How often a full image is made. By default 24h. One for all destinations, or one for each in their order.</summary>
    [Parameter]
    [Duration]
    [ValidateNotNullOrEmpty]
    public TimeSpan[]? SnapshotInterval { get; set; }

    /// <summary>For how long back every kept instant can be restored; at least the snapshot interval. By default 24h. One for all destinations,
    /// or one for each in their order.</summary>
    [Parameter]
    [Duration]
    [ArgumentCompletions("24h", "7d", "30d")]
    [ValidateNotNullOrEmpty]
    public TimeSpan[]? SnapshotRetention { get; set; }

    /// <summary>For how long every single capture can be restored. By default 5m. One for all destinations, or one for each in their order.</summary>
    [Parameter]
    [Duration]
    [ValidateNotNullOrEmpty]
    public TimeSpan[]? Level0Retention { get; set; }

    /// <summary>Merges and deletes nothing: another does, or the replica is to keep everything.</summary>
    [Parameter]
    public SwitchParameter NoMaintenance { get; set; }

    /// <summary>Restores each replica now and then, in the background, and compares it with the live database byte for byte; the pause between
    /// two such tests. LastVerifiedAt and LastVerifyOutcome say what came of it.</summary>
    [Parameter]
    [Duration]
    [ArgumentCompletions("1h", "6h", "24h")]
    public TimeSpan? VerifyInterval { get; set; }

    /// <summary>Serves metrics to Prometheus at <c>metrics</c> below this address, as in <c>http://localhost:9090/</c>. A host other than
    /// localhost opens it to the network.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompletions("http://localhost:9090/")]
    public string? MetricsPrefix { get; set; }

    /// <summary>Writes what happens to this file, one JSON object a line. At 10 MiB the file is set aside; four older ones are kept.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogPath { get; set; }

    /// <summary>Is fetched again and again as long as every replica is up to date, for a dead-man's switch elsewhere.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? HeartbeatUri { get; set; }

    /// <summary>How often HeartbeatUri is fetched; at least 1m. By default 5m.</summary>
    [Parameter]
    [Duration]
    public TimeSpan? HeartbeatInterval { get; set; }

    /// <summary>With -Once: for how many seconds to go on trying while the replica or the database fails.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Timeout { get; set; } = DefaultTimeoutSeconds;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        RefuseContradictingModes();
        if (Watch && (Once || AsJob || HasApplication))
        {
            Refuse(ErrorTable.ParametersContradict, "-Watch is for what goes on by itself: it goes with -Wait or alone, not with -Once, -AsJob or an application.", Directory);
        }

        if (VerifyInterval is { } pause && (Once || pause <= TimeSpan.Zero))
        {
            Refuse(
                ErrorTable.ParametersContradict,
                Once ? "-Once ends before a test by -VerifyInterval could be made: use Test-SqliteReplica after it." : "-VerifyInterval must be more than 0.",
                null);
        }

        try
        {
            if (ParameterSetName == ConfigurationSet)
            {
                ReadConfiguration();
            }

            for (int i = 0; i < OwnSettings; i++)
            {
                Maintenance(_configuration.Maintenance, i).Validate();
            }
        }
        catch (MaintenanceSettingException exception)
        {
            ThrowTerminatingError(ErrorTable.Record(exception, target: null));
        }

        _observation = Observation();
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        List<ReplicaLocation> places = [];
        foreach (string destination in Destination)
        {
            if (!TryResolve(() => DatabasePaths.ResolvePlace(SessionState, destination), destination, out ReplicaLocation? place))
            {
                return;
            }

            places.Add(place);
        }

        if (ParameterSetName == DirectorySet)
        {
            AddDirectory(places);
            return;
        }

        bool literal = ParameterSetName == LiteralPathSet;
        foreach (string path in literal ? LiteralPath : Path)
        {
            if (TryResolve(() => Databases(path, literal), path, out IReadOnlyList<string>? databases))
            {
                _replications.AddRange(databases.Select(database => Options(database, places)));
            }
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Only now is it known whether two databases were to share a place; then none is started.
        ReplicationOptions[] all = [.. _replications.DistinctBy(options => (options.DatabasePath, Places(options)))];
        if (DestinationRules.Violation(all, SessionReplications.Current.Places()) is { } violation)
        {
            ThrowTerminatingError(ErrorTable.Record(violation, violation.Replica));
        }

        ReplicationOptions[] wanted =
            [.. all.Where(options => ShouldProcess(options.DatabasePath, $"Replicate to {Places(options)}"))];
        DirectoryReplication[] watched = [.. _watched.Where(directory => ShouldProcess(directory.Folder.Path, $"Replicate every database to {directory.Place}"))];
        if (wanted.Length > 0 && AsJob)
        {
            StartJob(wanted);
        }
        else if (wanted.Length > 0 && HasApplication)
        {
            RunApplication(wanted);
        }
        else if (wanted.Length > 0 || watched.Length > 0)
        {
            Run((pipeline, stop) => StartAsync(pipeline, wanted, watched, stop));
        }
    }

    private void AddDirectory(IReadOnlyList<ReplicaLocation> places)
    {
        if (!TryResolve(() => DatabasePaths.ResolveLiteral(SessionState, Directory), Directory, out string? path))
        {
            return;
        }

        DirectoryReplication directory = new(
            new DatabaseFolder { Path = path, Filter = Filter, Recurse = Recurse, Except = [.. places.OfType<FolderLocation>().Select(place => place.Path)] },
            Options(path, places));
        if (Watch)
        {
            _watched.Add(directory);
        }
        else if (TryResolve(directory.Databases, path, out IReadOnlyList<ReplicationOptions>? found))
        {
            _replications.AddRange(found);
        }
    }

    private async Task StartAsync(
        CmdletPipeline pipeline, ReplicationOptions[] wanted, DirectoryReplication[] watched, CancellationToken stop)
    {
        foreach (ReplicationOptions options in wanted.Where(options => RestoreIfMissing || _restoreIfMissing.Contains(options.DatabasePath)))
        {
            await MissingDatabase.RestoreAsync(pipeline, options, stop).ConfigureAwait(false);
        }

        Task run = Wait ? new ForegroundReplication(pipeline, wanted, watched, _observation).RunAsync(stop)
            : Once ? new SingleReplication(pipeline, TimeSpan.FromSeconds(Timeout)).RunAsync(wanted, stop)
            : StartInWorkerAsync(pipeline, wanted, watched, stop);
        await run.ConfigureAwait(false);
    }

    private async Task StartInWorkerAsync(
        CmdletPipeline pipeline, ReplicationOptions[] wanted, DirectoryReplication[] watched, CancellationToken stop)
    {
        string home = await pipeline.InvokeAsync(() => (string)GetVariableValue("PSHOME"), stop).ConfigureAwait(false);
        (ReplicationOptions Options, Task<SessionReplication> Start)[] starts =
            [.. wanted.Select(options => (options, SessionReplications.Current.StartAsync(options, _observation, home, stop)))];
        foreach ((ReplicationOptions options, Task<SessionReplication> start) in starts)
        {
            try
            {
                SessionReplication started = await start.ConfigureAwait(false);
                await Notices.WriteAsync(pipeline, started.Status, stop).ConfigureAwait(false);
                await pipeline.WriteObjectAsync(started.ToOutput(), stop).ConfigureAwait(false);
            }
            catch (LitestreamException exception)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, options.DatabasePath), stop).ConfigureAwait(false);
            }
        }

        foreach (DirectoryReplication directory in watched)
        {
            await WatchInWorkerAsync(pipeline, directory, home, stop).ConfigureAwait(false);
        }
    }

    private async Task WatchInWorkerAsync(CmdletPipeline pipeline, DirectoryReplication directory, string home, CancellationToken stop)
    {
        ObservationOptions observation = _observation;
        try
        {
            SessionWatch watch = await SessionWatch.StartAsync(
                directory.Folder,
                directory.Place,
                (database, cancel) => SessionReplications.Current.StartAsync(directory.Options(database), observation, home, cancel),
                stop).ConfigureAwait(false);
            foreach ((string database, LitestreamException error) in watch.Failed)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(error, database), stop).ConfigureAwait(false);
            }

            await pipeline.WriteObjectAsync(watch.ToOutput(), stop).ConfigureAwait(false);
        }
        catch (LitestreamException exception)
        {
            await pipeline.WriteErrorAsync(ErrorTable.Record(exception, directory.Folder.Path), stop).ConfigureAwait(false);
        }
    }

    private static string Places(ReplicationOptions options) => string.Join(" and ", options.Destinations.Select(place => $"'{place}'"));

    private IReadOnlyList<string> Databases(string path, bool literal) =>
        literal ? [DatabasePaths.ResolveLiteral(SessionState, path)] : DatabasePaths.ResolveWildcards(SessionState, path);

    private ReplicationOptions Options(string database, IReadOnlyList<ReplicaLocation> places) => new()
    {
        DatabasePath = database,
        Destinations = places,
        WaitForDatabase = Wait || HasApplication,
        WaitForReplica = Wait || HasApplication,
        AdoptReplica = AdoptReplica,
        MaxStagingBytes = MaxStagingBytes,
        SyncInterval = SyncInterval,
        Maintenance = Maintenance(new MaintenanceOptions(), destination: 0),
        DestinationMaintenance = MaintenanceOfEach(places, _ => new MaintenanceOptions()),
        VerifyInterval = VerifyInterval ?? (Once ? null : _configuration.ValidationInterval),
    };

    private ObservationOptions Observation()
    {
        ObservationOptions usual = new();
        string? prefix = MetricsPrefix ?? MetricsPrefixOf(Once ? null : _configuration.MetricsAddress);
        prefix = prefix is { } given && !given.EndsWith('/') ? given + "/" : prefix;
        if (Once && (MetricsPrefix ?? LogPath ?? (object?)HeartbeatUri) is not null)
        {
            Refuse(ErrorTable.ParametersContradict, "-Once ends by itself: -MetricsPrefix, -LogPath and -HeartbeatUri are for what goes on.", null);
        }

        if (HeartbeatUri is { } uri && (!uri.IsAbsoluteUri || uri.Scheme is not ("http" or "https")))
        {
            Refuse("InvalidArgument", "-HeartbeatUri takes a whole http:// or https:// address.", null);
        }

        if (HeartbeatInterval is { } interval && interval < ShortestHeartbeat)
        {
            Refuse("InvalidArgument", "-HeartbeatInterval is at least 1m.", null);
        }

        return usual with
        {
            MetricsPrefix = prefix,
            LogPath = LogPath is null ? null : DatabasePaths.ResolveLiteral(SessionState, LogPath),
            HeartbeatUri = HeartbeatUri ?? (Once ? null : _configuration.HeartbeatUri),
            HeartbeatInterval = HeartbeatInterval ?? _configuration.HeartbeatInterval,
        };
    }

    // How many destinations have settings of their own, if more than one.
    private int OwnSettings => Math.Max(SnapshotInterval?.Length ?? 1, Math.Max(SnapshotRetention?.Length ?? 1, Level0Retention?.Length ?? 1));

    private IReadOnlyList<MaintenanceOptions> MaintenanceOfEach(IReadOnlyList<ReplicaLocation> places, Func<int, MaintenanceOptions> usual)
    {
        if (((TimeSpan[]?[])[SnapshotInterval, SnapshotRetention, Level0Retention]).Any(given => given is { Length: > 1 } && given.Length != places.Count))
        {
            Refuse(
                ErrorTable.ParametersContradict,
                $"-SnapshotInterval, -SnapshotRetention and -Level0Retention take one value for all destinations, or one for each: here {places.Count}.",
                null);
        }

        return places.Count > 1 ? [.. places.Select((_, i) => Maintenance(usual(i), i))] : [];
    }

    private MaintenanceOptions Maintenance(MaintenanceOptions usual, int destination)
    {
        return usual with
        {
            Enabled = usual.Enabled && !NoMaintenance,
            Levels = CompactionInterval ?? usual.Levels,
            SnapshotInterval = Of(SnapshotInterval) ?? usual.SnapshotInterval,
            SnapshotRetention = Of(SnapshotRetention) ?? usual.SnapshotRetention,
            Level0Retention = Of(Level0Retention) ?? usual.Level0Retention,
        };

        TimeSpan? Of(TimeSpan[]? given) => given is null ? null : given[Math.Min(destination, given.Length - 1)];
    }
}
