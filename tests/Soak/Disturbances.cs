namespace Litestream.Tests.Soak;

/// <summary>What is broken on purpose, and when: an operation that fails meanwhile is no fault of the replicator. An image that differs always is.</summary>
internal sealed class Disturbances(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<string> _active = [];
    private DateTimeOffset _lastEnd = DateTimeOffset.MinValue;

    /// <summary>What is broken now, in words; empty for nothing.</summary>
    public IReadOnlyList<string> Active
    {
        get
        {
            lock (_gate)
            {
                return [.. _active];
            }
        }
    }

    /// <summary>Whether something was broken at or after a moment.</summary>
    public bool Since(DateTimeOffset moment)
    {
        lock (_gate)
        {
            return _active.Count > 0 || _lastEnd >= moment;
        }
    }

    /// <summary>Something breaks, until the answer is disposed.</summary>
    public IDisposable Begin(string what)
    {
        lock (_gate)
        {
            _active.Add(what);
        }

        return new Disturbance(this, what);
    }

    private sealed class Disturbance(Disturbances all, string what) : IDisposable
    {
        public void Dispose()
        {
            lock (all._gate)
            {
                all._active.Remove(what);
                all._lastEnd = all.Now;
            }
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();
}
