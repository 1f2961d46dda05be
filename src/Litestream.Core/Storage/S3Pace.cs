namespace Litestream.Storage;

/// <summary>
/// How fast the requests of one client may follow each other. As fast as they come, until the service asks for fewer: then there is a
/// gap between any two, doubled by each such answer and halved by each request that succeeds. All requests keep it, not only
/// the one that was turned away, so that a service that is at its limit is not asked the harder for it.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class S3Pace(TimeProvider time)
{
    private static readonly TimeSpan FirstGap = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private TimeSpan _gap;
    private long _next;

    /// <summary>Time between two requests; none while the service does not ask for fewer.</summary>
    public TimeSpan Gap
    {
        get
        {
            lock (_gate)
            {
                return _gap;
            }
        }
    }

    /// <summary>The service has asked for fewer requests.</summary>
    public void Slow()
    {
        lock (_gate)
        {
            _gap = _gap == TimeSpan.Zero ? FirstGap : _gap * 2 < LongestGap ? _gap * 2 : LongestGap;
        }
    }

    /// <summary>A request has succeeded.</summary>
    public void Ease()
    {
        lock (_gate)
        {
            _gap = _gap < FirstGap / 8 ? TimeSpan.Zero : _gap / 2;
        }
    }

    /// <summary>Returns when the next request may go.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_gate)
        {
            if (_gap == TimeSpan.Zero)
            {
                return Task.CompletedTask;
            }

            long now = time.GetTimestamp();
            long turn = Math.Max(now, _next);
            _next = turn + (long)(_gap.TotalSeconds * time.TimestampFrequency);
            wait = time.GetElapsedTime(now, turn);
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellationToken) : Task.CompletedTask;
    }
}
