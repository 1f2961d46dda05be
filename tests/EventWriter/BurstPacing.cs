namespace Litestream.Tests.EventWriter;

/// <summary>When the next commit is due for an application that is busy at times and silent at others, in turns of seconds drawn from a seed.</summary>
internal sealed class BurstPacing(int rate, int seed)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(20);

    private readonly Random _random = new(seed ^ 0xB0057);
    private readonly long _begin = TimeProvider.System.GetTimestamp();
    private TimeSpan _turnEnds;
    private TimeSpan _due;
    private TimeSpan _step;

    /// <summary>Waits until the next commit is due.</summary>
    /// <param name="stop">Ends the waiting.</param>
    /// <returns>How long the run has lasted.</returns>
    public TimeSpan Wait(CancellationToken stop)
    {
        TimeSpan now = Elapsed;
        while (!stop.IsCancellationRequested)
        {
            if (now >= _turnEnds)
            {
                BeginTurn(now);
            }

            if (now >= _due)
            {
                break;
            }

            TimeSpan pause = (_due < _turnEnds ? _due : _turnEnds) - now;
            PreciseSleep.For(pause < LongestPause ? pause : LongestPause);
            now = Elapsed;
        }

        // What could not be kept up with is not made up for: a burst shall not run into the silence after it.
        _due = (_due + _step > now) ? _due + _step : now;
        return now;
    }

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_begin);

    private void BeginTurn(TimeSpan now)
    {
        (double commitsPerSecond, double seconds) = _random.Next(10) switch
        {
            < 2 => (0, _random.Next(1, 6)),
            < 4 => (1, _random.Next(2, 8)),
            < 5 => (double.PositiveInfinity, _random.NextDouble()),
            _ => (Math.Max(rate, 1), (double)_random.Next(3, 15)),
        };
        _turnEnds = now + TimeSpan.FromSeconds(seconds);
        _step = commitsPerSecond == 0 ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromSeconds(1 / commitsPerSecond);
        _due = commitsPerSecond == 0 ? _turnEnds : now;
    }
}
