using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Litestream.Sqlite;

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
/// <para>
/// Where the system tells of writes (<see cref="WalWatch"/>), a loop that has been silent for a while is not looked at again and again: its WAL is
/// watched, then looked at once more, for what was written before the watch stood, and then left alone until a chore is due, about a second. The
/// first write ends the watch and brings the next look, at once, and those after it follow as closely as after a commit: the write may be the first of
/// many of one transaction. Frames behind what is captured that nobody has committed yet are looked at as without a watch, since what commits
/// them may have been written already and not be in the index yet. A watch that has not told of a commit by the time the WAL is silent again is
/// not believed for the rest of that loop's life: some file systems tell nothing. Until then the look of the chores has found what it missed.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "The one instance lives as long as the process.")]
internal sealed class CaptureScheduler
{
    private const int MaxSteppers = 16;
    private const int FewSteppers = 2;

    private static readonly TimeSpan StuckFor = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // From here on a look costs more than to be told.
    private static readonly TimeSpan Silent = TimeSpan.FromMilliseconds(20);

    // Long pauses end together, so that many idle databases cost few wake-ups.
    private static readonly TimeSpan Long = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan VeryLong = TimeSpan.FromSeconds(2);
    private static readonly long Grid = Stopwatch.Frequency / 40;
    private static readonly long CoarseGrid = Stopwatch.Frequency / 4;

    private readonly object _gate = new(); // a monitor: steppers wait on it without spinning
    private readonly PriorityQueue<(Entry Entry, int Ticket), long> _due = new();
    private readonly Queue<Entry> _ready = new();
    private readonly Dictionary<int, Entry> _watched = []; // the looking thread's own
    private readonly Func<WalWatch> _open;
    private WalWatch? _watch;
    private long _wakesAt; // when the looking thread comes back by itself; 0 while it does not wait
    private long _lastTaken;
    private int _entries;
    private int _uncalled;
    private int _steppers;
    private int _idleSteppers;
    private bool _looking;

    /// <summary>Makes one.</summary>
    /// <param name="open">What its looking thread waits with.</param>
    internal CaptureScheduler(Func<WalWatch> open) => _open = open;

    /// <summary>The one of this process.</summary>
    public static CaptureScheduler Shared { get; } = new(() => WalWatch.Open());

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

    /// <summary>How many WALs are watched.</summary>
    public int Watched => _watched.Count;

    /// <summary>Whether the looking thread is there.</summary>
    public bool IsLooking => Volatile.Read(ref _looking);

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
                _watch = _open();
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
        long due = After(pause);
        _due.Enqueue((entry, entry.Ticket), due);
        if (due < _wakesAt)
        {
            _watch!.Ring();
        }
    }

    private static long After(TimeSpan pause)
    {
        long due = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
        long grid = pause < VeryLong ? Grid : CoarseGrid;
        return pause < Long ? due : (due + grid - 1) / grid * grid;
    }

    private void Look()
    {
        List<Entry> batch = [];
        List<int> ended = [];
        while (true)
        {
            TimeSpan pause = default;
            lock (_gate)
            {
                if (_entries == 0)
                {
                    End();
                    return;
                }

                _wakesAt = 0;
                NoteWrites(ended);
                long next = TakeDue(batch);
                CallSteppers();
                if (batch.Count == 0)
                {
                    _wakesAt = _ready.Count > _idleSteppers ? Math.Min(next, After(StuckFor)) : next;
                    pause = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _wakesAt);
                }
            }

            foreach (Entry entry in batch)
            {
                LookAt(entry);
            }

            ended.Clear();
            if (batch.Count == 0)
            {
                _watch!.Wait(pause, ended);
            }

            batch.Clear();
        }
    }

    // Under the lock.
    private void End()
    {
        _looking = false;
        _wakesAt = 0;
        _due.Clear();
        _watched.Clear();
        _watch!.Dispose();
    }

    // Under the lock. A watch that was ended on request, or with its file, brings a look too many, which does no harm.
    private void NoteWrites(List<int> ended)
    {
        foreach (int watch in ended)
        {
            if (watch == WalWatch.Any)
            {
                NoteWrites([.. _watched.Keys]);
            }
            else if (_watched.Remove(watch, out Entry? entry))
            {
                entry.Watch = 0;
                entry.Written = true;
                if (entry.Waits)
                {
                    Schedule(entry, TimeSpan.Zero);
                }
            }
        }
    }

    // When the next one is due.
    private long TakeDue(List<Entry> batch)
    {
        long now = Stopwatch.GetTimestamp();
        while (_due.TryPeek(out (Entry Entry, int Ticket) next, out long due))
        {
            if (due > now)
            {
                return due;
            }

            _due.Dequeue();
            if (next.Entry.Waits && next.Entry.Ticket == next.Ticket)
            {
                next.Entry.Waits = false;
                batch.Add(next.Entry);
            }
        }

        return After(Patience);
    }

    private void LookAt(Entry entry)
    {
        if (entry.Written)
        {
            entry.Written = false;
            entry.Loop.NoteWrite();
        }

        bool work = entry.Loop.HasWork() || (entry.Loop.Pause >= Silent && Watch(entry) && entry.Loop.HasWork());
        lock (_gate)
        {
            if (!work && !entry.Woken)
            {
                Schedule(entry, entry.Pause);
                return;
            }

            entry.Woken = false;
            _ready.Enqueue(entry);
            _uncalled++;
            if (entry.IsTold)
            {
                // About when the step will want it to be looked at again; if so, this thread need not be woken to hear of it.
                _due.Enqueue((entry, entry.Ticket), After(entry.Loop.LongestRest));
            }
        }
    }

    // True if there is a watch now that was not there before.
    private bool Watch(Entry entry)
    {
        if (entry.Watch != 0)
        {
            if (entry.IsTold)
            {
                return false;
            }

            entry.IsDeaf = true;
            _watch!.Remove(entry.Watch);
            _watched.Remove(entry.Watch);
            entry.Watch = 0;
        }

        if (entry.IsDeaf || _watch!.Add(entry.Loop.WalPath) is not (> 0 and var watch))
        {
            return false;
        }

        _watched[watch] = entry;
        entry.Begin(watch);
        return true;
    }

    // Under the lock, as the last thing before it is let go of: who wakes wants it. More than a few steppers only while those there are do not come
    // back: their databases make them wait.
    private void CallSteppers()
    {
        int called = Math.Min(_uncalled, FewSteppers); // who is awake goes on until nothing is ready
        _uncalled = 0;
        for (; called > 0; called--)
        {
            Monitor.Pulse(_gate);
            if (_steppers < FewSteppers && _idleSteppers < _ready.Count)
            {
                AddStepper();
            }
        }

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
                    Schedule(entry, entry.Woken || entry.Written ? TimeSpan.Zero : entry.Pause);
                    continue;
                }

                if (entry.Watch != 0)
                {
                    _watch!.Remove(entry.Watch); // of which the looking thread hears, as of its other ends
                }

                if (--_entries == 0)
                {
                    _watch!.Ring();
                }
            }
        }
    }

    // Null when this thread has had nothing to do for long enough, or there are others who wait for it.
    private Entry? Next()
    {
        lock (_gate)
        {
            if (_ready.Count == 0 && _idleSteppers >= FewSteppers)
            {
                _steppers--;
                return null;
            }

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
        private long _capturesBefore;

        public CaptureLoop Loop => loop;

        public bool Waits { get; set; }

        public bool Woken { get; set; }

        public int Ticket { get; set; }

        /// <summary>The id of the watch on its WAL; 0 for none.</summary>
        public int Watch { get; set; }

        /// <summary>Whether the watch has ended, by a write most likely, and no look has followed yet.</summary>
        public bool Written { get; set; }

        /// <summary>Whether a watch has not told of a write.</summary>
        public bool IsDeaf { get; set; }

        /// <summary>Whether the watch, unlike a look, need not be asked again and again.</summary>
        public bool IsTold => Watch != 0 && Loop.Captures == _capturesBefore;

        public TimeSpan Pause => IsTold && Loop.Rest is { } rest ? rest : Loop.Pause;

        public void Begin(int watch) => (Watch, _capturesBefore) = (watch, Loop.Captures);
    }
}
