namespace Litestream.Tests.Unit.Maintenance;

/// <summary>A clock that a test sets. Elapsed time goes on evenly when the time of day is set back.</summary>
internal sealed class ManualClock(DateTimeOffset now) : TimeProvider
{
    private DateTimeOffset _now = now;
    private long _elapsed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _elapsed;

    internal void Advance(TimeSpan time)
    {
        _now += time;
        _elapsed += time.Ticks;
    }

    /// <summary>Sets the time of day alone.</summary>
    internal void Set(DateTimeOffset time) => _now = time;
}
