using Xunit.Abstractions;

namespace Litestream.Tests.Soak;

/// <summary>The faults that a soak can do, and the disks that some of them need.</summary>
internal sealed class SoakFaults : IDisposable
{
    private const int ReplicaKilobytes = 3 << 20;
    private const int LiveKilobytes = 1 << 20;

    private readonly SoakOptions _options;
    private readonly List<SmallDisk> _mounted = [];
    private readonly SmallDisk? _live;
    private readonly SmallDisk? _replica;

    /// <summary>Mounts the disks that can be full.</summary>
    /// <param name="options">Which faults.</param>
    /// <param name="live">Where the databases will be.</param>
    /// <param name="replica">Where the replicas will be; null if that is no folder.</param>
    /// <param name="says">Told what cannot be done here.</param>
    public SoakFaults(SoakOptions options, string live, string? replica, Action<string> says)
    {
        _options = options;
        _live = Mount("disk-full", live, LiveKilobytes, says);
        _replica = replica is null ? null : Mount("replica-full", replica, ReplicaKilobytes, says);
    }

    /// <summary>The word for each.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["kill", "restart", "forget", "writer", "checkpoints", "outage", "replica-full", "disk-full"];

    /// <summary>Those that were asked for and can be done here.</summary>
    public IReadOnlyList<IFault> Make(ISubject subject, IReadOnlyList<SoakedDatabase> databases)
    {
        IFault?[] all =
        [
            new ReplicatorFault(subject, inOrder: false),
            new ReplicatorFault(subject, inOrder: true),
            new LocalStateFault(subject, databases),
            new WriterFault(databases),
            new CheckpointFault(databases),
            new OutageFault(databases),
            _replica is null ? null : new FullDiskFault("replica-full", _replica),
            _live is null ? null : new FullDiskFault("disk-full", _live),
        ];
        return [.. all.OfType<IFault>().Where(fault => _options.Chaos.Contains(fault.Name))];
    }

    /// <summary>Lets the disks go, with what is on them.</summary>
    public void Dispose()
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
