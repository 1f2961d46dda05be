using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>How fast levels, snapshots and retention turn: the usual way in a long soak, faster in a short one so that each is seen many times.</summary>
/// <param name="Levels">Time that a merged file covers.</param>
/// <param name="Snapshot">Between full images.</param>
/// <param name="Retention">For how long back every kept instant can be restored.</param>
/// <param name="Level0">For how long every single capture can be restored.</param>
internal sealed record MaintenancePace(TimeSpan[] Levels, TimeSpan Snapshot, TimeSpan Retention, TimeSpan Level0)
{
    private static readonly TimeSpan LongRun = TimeSpan.FromHours(6);

    /// <summary>The arguments of Start-SqliteReplication.</summary>
    public string Arguments =>
        $"-CompactionInterval {string.Join(", ", Levels.Select(Text))} -SnapshotInterval {Text(Snapshot)} -SnapshotRetention {Text(Retention)} -Level0Retention {Text(Level0)}";

    /// <summary>What suits a soak.</summary>
    /// <param name="duration">Of the soak.</param>
    public static MaintenancePace For(TimeSpan duration) => duration >= LongRun
        ? new([Seconds(30), Seconds(300), Seconds(3600)], TimeSpan.FromDays(1), TimeSpan.FromDays(1), Seconds(300))
        : duration >= TimeSpan.FromMinutes(5)
            ? new([Seconds(5), Seconds(15), Seconds(45)], Seconds(60), Seconds(120), Seconds(40))
            : new([Seconds(2), Seconds(6), Seconds(18)], Seconds(20), Seconds(30), Seconds(20));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds}s");
}
