using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Litestream.Replication;

/// <summary>
/// Looks at the WALs of all databases that this process replicates, each when it is due, and lets threads of its own step those that have
/// something to do.
/// </summary>
/// <remarks>
/// One thread looks: two small reads a database, nothing that could block. SQLite's calls can block, so steps run on up to
/// <see cref="MaxSteppers"/> other threads, and one database that is stuck holds up none of the rest. A loop belongs to one thread at a time: to the
/// looking one while it is looked at, then to a stepping one, and to nobody while it waits; it changes hands under the lock, which makes its fields
/// visible. All threads end when there is nothing left for them.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "The one instance lives as long as the process.")]
internal sealed class CaptureScheduler
{
    private const int MaxSteppers = 16;
    private const int FewSteppers = 2;

    private static readonly TimeSpan StuckFor = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Long pauses end together, so that many idle databases cost few wake-ups.
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(50);
    private static readonly long Grid = Stopwatch.Frequency / 40;

    private readonly object _gate = new(); // a monitor: steppers wait on it without spinning
    private readonly PriorityQueue<(Entry Entry, int Ticket), long> _due = new();
    private readonly Queue<Entry> _ready = new();
    private readonly AutoResetEvent _alarm = new(false);
    private long _lastTaken;
    private int _entries;
    private int _steppers;
    private int _idleSteppers;
    private bool _looking;

    /// <summary>The one of this process.</summary>
    public static CaptureScheduler Shared { get; } = new();

    /// <summary>How many databases there are.</summary>
    public int Count => Volatile.Read(ref _entries);

    /// <summary>Threads at work or waiting for it, the looking one included.</summary>
    public int Threads
    {
        get
        {
            lock (_gate)
            {
                return _steppers + (_looking ? 1 : 0);
            }
        }
    }

    /// <summary>Takes a loop on, until one of its steps says that it has ended.</summary>
    /// <param name="loop">The loop.</param>
    /// <returns>Wakes it: it is stepped as soon as a thread is free.</returns>
    public Action Add(CaptureLoop loop)
    {
        Entry entry = new(loop);
        lock (_gate)
        {
            _entries++;
            Schedule(entry, TimeSpan.Zero);
            if (!_looking)
            {
                _looking = true;
                new Thread(Look) { IsBackground = true, Name = "Litestream look" }.Start();
            }
        }

        return () => Wake(entry);
    }

    private void Wake(Entry entry)
    {
        lock (_gate)
        {
            if (entry.Waits)
            {
                Schedule(entry, TimeSpan.Zero);
            }
            else
            {
                entry.Woken = true;
            }
        }
    }

    // Under the lock.
    private void Schedule(Entry entry, TimeSpan pause)
    {
        entry.Waits = true;
        entry.Woken = false;
        entry.Ticket++;
        long due = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
        due = pause < Long ? due : (due + Grid - 1) / Grid * Grid;
        bool earliest = !_due.TryPeek(out _, out long next) || due < next;
        _due.Enqueue((entry, entry.Ticket), due);
        if (earliest)
        {
            _alarm.Set();
        }
    }

    private void Look()
    {
        List<Entry> batch = [];
        while (true)
        {
            TimeSpan pause;
            lock (_gate)
            {
                if (_entries == 0)
                {
                    _looking = false;
                    _due.Clear();
                    return;
                }

                pause = TakeDue(batch);
                RelieveSteppers();
                pause = _ready.Count > 0 && pause > StuckFor ? StuckFor : pause;
            }

            foreach (Entry entry in batch)
            {
                LookAt(entry);
            }

            if (batch.Count == 0)
            {
                _alarm.WaitOne(pause);
            }

            batch.Clear();
        }
    }

    private TimeSpan TakeDue(List<Entry> batch)
    {
        long now = Stopwatch.GetTimestamp();
        while (_due.TryPeek(out (Entry Entry, int Ticket) next, out long due))
        {
            if (due > now)
            {
                return TimeSpan.FromMilliseconds(Math.Ceiling(Stopwatch.GetElapsedTime(now, due).TotalMilliseconds)); // a wait of less would spin
            }

            _due.Dequeue();
            if (next.Entry.Waits && next.Entry.Ticket == next.Ticket)
            {
                next.Entry.Waits = false;
                batch.Add(next.Entry);
            }
        }

        return Patience;
    }

    private void LookAt(Entry entry)
    {
        bool work = entry.Loop.HasWork();
        lock (_gate)
        {
            if (!work && !entry.Woken)
            {
                Schedule(entry, entry.Loop.Pause);
                return;
            }

            entry.Woken = false;
            _ready.Enqueue(entry);
            Monitor.Pulse(_gate);
            if (_steppers < FewSteppers && _idleSteppers < _ready.Count)
            {
                AddStepper();
            }
        }
    }

    // More than a few only while those there are do not come back: their databases make them wait.
    private void RelieveSteppers()
    {
        if (_ready.Count > 0 && _idleSteppers == 0 && _steppers < MaxSteppers && Stopwatch.GetElapsedTime(_lastTaken) > StuckFor)
        {
            AddStepper();
        }
    }

    private void AddStepper()
    {
        _steppers++;
        _lastTaken = Stopwatch.GetTimestamp();
        new Thread(StepReady) { IsBackground = true, Name = "Litestream capture" }.Start();
    }

    private void StepReady()
    {
        while (true)
        {
            Entry? entry = Next();
            if (entry is null)
            {
                return;
            }

            bool goesOn = entry.Loop.Step();
            lock (_gate)
            {
                if (goesOn)
                {
                    Schedule(entry, entry.Woken ? TimeSpan.Zero : entry.Loop.Pause);
                }
                else if (--_entries == 0)
                {
                    _alarm.Set();
                }
            }
        }
    }

    // Null when this thread has had nothing to do for long enough.
    private Entry? Next()
    {
        lock (_gate)
        {
            _idleSteppers++;
            while (_ready.Count == 0)
            {
                if (!Monitor.Wait(_gate, Patience) && _ready.Count == 0)
                {
                    _idleSteppers--;
                    _steppers--;
                    return null;
                }
            }

            _idleSteppers--;
            _lastTaken = Stopwatch.GetTimestamp();
            return _ready.Dequeue();
        }
    }

    private sealed class Entry(CaptureLoop loop)
    {
        public CaptureLoop Loop => loop;

        public bool Waits { get; set; }

        public bool Woken { get; set; }

        public int Ticket { get; set; }
    }
}
