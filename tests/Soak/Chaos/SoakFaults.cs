using Litestream.Tests.S3;
using Xunit.Abstractions;

namespace Litestream.Tests.Soak;

/// <summary>The faults that a soak can do, and what some of them need.</summary>
internal sealed class SoakFaults : IAsyncDisposable
{
    private const int ReplicaKilobytes = 3 << 20;
    private const int LiveKilobytes = 1 << 20;

    private readonly SoakOptions _options;
    private readonly List<SmallDisk> _mounted = [];
    private readonly SmallDisk? _live;
    private readonly SmallDisk? _replica;
    private readonly FaultProxy? _proxy;
    private readonly FakeClock? _clock;
    private readonly bool _isFolder;

    /// <summary>Mounts the disks that can be full, and puts what can fail between the replicator and a store.</summary>
    /// <param name="options">Which faults.</param>
    /// <param name="folder">The soak's; the databases are in <c>live</c> in it.</param>
    /// <param name="place">Where the replicas will be.</param>
    /// <param name="says">Told what cannot be done here.</param>
    public SoakFaults(SoakOptions options, string folder, SoakPlace place, Action<string> says)
    {
        _options = options;
        _isFolder = place.Folder is not null;
        _live = Mount("disk-full", Path.Combine(folder, "live"), LiveKilobytes, says);
        _replica = place.Folder is { } replica ? Mount("replica-full", replica, ReplicaKilobytes, says) : null;
        _clock = options.Chaos.Contains("clock") && !options.SoaksLitestream ? FakeClock.TryMake(Path.Combine(folder, "clock"), says) : null;
        if (place.Store is { } store)
        {
            // The proxy of the S3 tests knows services on this machine alone.
            _proxy = store.IsLoopback ? new FaultProxy(store, options.Seed) { Spoils = false } : null;
            Gate = new StoreGate(_proxy?.Endpoint ?? store);
        }
        else if (place.Folder is null && options.Chaos.Any(fault => fault is "outage" or "flaky"))
        {
            says("outage, flaky: Not tried: they need a destination with ?endpoint=http://...");
        }
    }

    /// <summary>The word for each.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["kill", "restart", "forget", "writer", "checkpoints", "outage", "flaky", "replica-full", "disk-full", "clock"];

    /// <summary>What the replicator goes through to its store; null for a folder, and for a store before which nothing can stand.</summary>
    public StoreGate? Gate { get; }

    /// <summary>What the replicator's processes are started with beside the usual; null for nothing.</summary>
    public IReadOnlyDictionary<string, string>? Environment => _clock?.Environment;

    /// <summary>Those that were asked for and can be done here.</summary>
    public IReadOnlyList<IFault> Make(ISubject subject, IReadOnlyList<SoakedDatabase> databases, Disturbances disturbances)
    {
        IFault?[] all =
        [
            new ReplicatorFault(subject, inOrder: false),
            new ReplicatorFault(subject, inOrder: true),
            new LocalStateFault(subject, databases),
            new WriterFault(databases),
            new CheckpointFault(databases),
            Gate is not null ? new GateFault(Gate) : _isFolder ? new OutageFault(databases) : null,
            _proxy is null || Gate is null ? null : new FlakyFault(_proxy, Gate),
            _replica is null ? null : new FullDiskFault("replica-full", _replica),
            _live is null ? null : new FullDiskFault("disk-full", _live),
            _clock is null ? null : new ClockFault(_clock, disturbances),
        ];
        return [.. all.OfType<IFault>().Where(fault => _options.Chaos.Contains(fault.Name))];
    }

    public async ValueTask DisposeAsync()
    {
        if (Gate is not null)
        {
            await Gate.DisposeAsync();
        }

        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }
    }

    /// <summary>Lets the disks go, with what is on them.</summary>
    public void Unmount()
    {
        foreach (SmallDisk disk in _mounted)
        {
            disk.Dispose();
        }
    }

    private SmallDisk? Mount(string fault, string path, int kilobytes, Action<string> says)
    {
        if (!_options.Chaos.Contains(fault))
        {
            return null;
        }

        SmallDisk? disk = SmallDisk.TryMount(path, kilobytes, new Said(fault, says));
        if (disk is not null)
        {
            _mounted.Add(disk);
        }

        return disk;
    }

    private sealed class Said(string fault, Action<string> says) : ITestOutputHelper
    {
        public void WriteLine(string message) => says($"{fault}: {message}");

        public void WriteLine(string format, params object[] args) => WriteLine(string.Format(null, format, args));
    }
}
