namespace Litestream.Tests.Properties.Machine;

/// <summary>A clock that only the test moves.</summary>
internal sealed class MachineClock : TimeProvider
{
    private DateTimeOffset _now = new(2026, 11, 1, 9, 30, 7, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => _now.UtcTicks;

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan time) => _now += time;
}
