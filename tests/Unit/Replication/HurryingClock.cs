namespace Litestream.Tests.Unit.Replication;

/// <summary>The system's clock, so many times as fast: what waits for minutes is done in seconds.</summary>
/// <param name="speed">How many times.</param>
internal sealed class HurryingClock(int speed) : TimeProvider
{
    private readonly DateTimeOffset _begin = DateTimeOffset.UtcNow;
    private readonly long _start = System.GetTimestamp();

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => _start + ((System.GetTimestamp() - _start) * speed);

    public override DateTimeOffset GetUtcNow() => _begin + (System.GetElapsedTime(_start) * speed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, Hurried(dueTime), Hurried(period));

    private TimeSpan Hurried(TimeSpan time) => time > TimeSpan.Zero ? time / speed : time;
}
