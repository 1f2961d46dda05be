namespace Litestream.Tests.Soak;

/// <summary>What is broken on purpose, and when: an operation that fails meanwhile is no fault of the replicator. An image that differs always is.</summary>
internal sealed class Disturbances(TimeProvider time)
{
    private readonly TimeProvider _time = time;
    private readonly Lock _gate = new();
    private readonly List<Disturbance> _active = [];
    private DateTimeOffset _momentsFrom = DateTimeOffset.MinValue;
    private DateTimeOffset _lastEnd = DateTimeOffset.MinValue;

    /// <summary>What is done now, in words; empty for nothing.</summary>
    public IReadOnlyList<string> Active
    {
        get
        {
            lock (_gate)
            {
                return [.. _active.Select(disturbance => disturbance.What)];
            }
        }
    }

    /// <summary>Whether something is broken now that excuses failures.</summary>
    public bool Now => Since(DateTimeOffset.MaxValue);

    /// <summary>Whether something that excuses failures was broken at or after a moment.</summary>
    public bool Since(DateTimeOffset moment)
    {
        lock (_gate)
        {
            return _active.Any(disturbance => disturbance.Excuses) || _lastEnd >= moment;
        }
    }

    /// <summary>From when on the times in a replica are those of a clock that was right.</summary>
    public DateTimeOffset MomentsFrom
    {
        get
        {
            lock (_gate)
            {
                return _momentsFrom;
            }
        }
    }

    /// <summary>The replicator's clock steps: what was and will be written around now cannot be found by its time.</summary>
    /// <param name="until">How long from now on.</param>
    public void DoubtMoments(TimeSpan until)
    {
        lock (_gate)
        {
            // A step can make what was kept old all at once; a check that is under way is excused.
            _lastEnd = _time.GetUtcNow();
            DateTimeOffset from = _lastEnd + until;
            _momentsFrom = from > _momentsFrom ? from : _momentsFrom;
        }
    }

    /// <summary>Something is done, until the answer is disposed.</summary>
    /// <param name="what">In words.</param>
    /// <param name="excuses">Whether operations may fail meanwhile; what an application may do to its database excuses nothing.</param>
    public IDisposable Begin(string what, bool excuses)
    {
        Disturbance begun = new(this, what, excuses);
        lock (_gate)
        {
            _active.Add(begun);
        }

        return begun;
    }

    private sealed class Disturbance(Disturbances all, string what, bool excuses) : IDisposable
    {
        public string What => what;

        public bool Excuses => excuses;

        public void Dispose()
        {
            lock (all._gate)
            {
                all._active.Remove(this);
                if (excuses)
                {
                    all._lastEnd = all._time.GetUtcNow();
                }
            }
        }
    }
}
