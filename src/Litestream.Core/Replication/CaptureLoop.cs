using Litestream.State;

namespace Litestream.Replication;

/// <summary>
/// Looks at one database's WAL, captures what is new, and checkpoints, step by step, whenever the <see cref="CaptureScheduler"/> lets it. Everything
/// of the <see cref="CaptureSession"/> happens in a step or a look, one at a time.
/// </summary>
internal sealed class CaptureLoop : IDisposable
{
    private const int PartOfIdleTime = 16;

    private static readonly TimeSpan IntactForEach = TimeSpan.FromMilliseconds(8);
    private static readonly TimeSpan IdleForEach = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan IdleBeforeCheckpoint = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TableInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GatherWhileFailing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StagingRetry = TimeSpan.FromSeconds(1);

    /// <summary>Shortest time between two captures that are gathered into one file, and longest pause behind one that was a long work.</summary>
    private static readonly TimeSpan PartInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Files in line for the replica from which on commits are gathered instead of captured one by one.</summary>
    private const int FilesInLine = 2;

    /// <summary>Page checksums kept in memory before the table is saved: about 4 MB.</summary>
    private const int MaxUnsavedChecksums = 100_000;

    private readonly CaptureSession _session;
    private readonly Checkpointer _checkpointer;
    private readonly StagingArea _staging;
    private readonly IReadOnlyList<Destination> _destinations;
    private readonly StatusBoard _board;
    private readonly ReplicationOptions _options;
    private readonly TimeProvider _time;
    private readonly TimeSpan _syncInterval;
    private readonly CaptureScheduler _scheduler;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly Queue<ICaptureRequest> _requests = new();
    private long _lastLook;
    private volatile bool _stopping;
    private bool _stagingFailed;
    private long _lastNews;
    private long _lastWrite;
    private long _lastIdleRun;
    private long _lastCapture;
    private long _lastIntact;
    private long _lastSave;
    private long _lastSeal;
    private bool _attention;
    private Action? _wake;

    /// <summary>Prepares the loop.</summary>
    /// <param name="session">The session; used by the loop alone until it has ended.</param>
    /// <param name="staging">Where captured files go.</param>
    /// <param name="destinations">Tell whether any of them keeps up.</param>
    /// <param name="board">Where the state goes.</param>
    /// <param name="options">Intervals and thresholds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Whose threads step it.</param>
    public CaptureLoop(
        CaptureSession session,
        StagingArea staging,
        IReadOnlyList<Destination> destinations,
        StatusBoard board,
        ReplicationOptions options,
        TimeProvider time,
        CaptureScheduler scheduler)
    {
        _session = session;
        _staging = staging;
        _destinations = destinations;
        _board = board;
        _options = options;
        _syncInterval = options.EffectiveSyncInterval;
        _time = time;
        _scheduler = scheduler;
        _checkpointer = new Checkpointer(session, board.Status.DatabasePath, options);
        _lastNews = _lastWrite = _lastIdleRun = _lastCapture = _lastIntact = _lastSave = _lastSeal = time.GetTimestamp();
        _lastLook = time.GetUtcNow().UtcTicks;
        Pause = options.BusyInterval;
    }

    /// <summary>Completes when the loop has ended: well after <see cref="StopAsync"/>, or with the error that ended it.</summary>
    public Task Ended => _ended.Task;

    /// <summary>When the WAL was looked at last (UTC): what was committed before is captured, unless state says otherwise.</summary>
    public DateTimeOffset LastLook => new(Interlocked.Read(ref _lastLook), TimeSpan.Zero);

    /// <summary>How long to wait until the next look.</summary>
    public TimeSpan Pause { get; private set; }

    /// <summary>How long to wait, until the next chore, where a watch on the WAL tells of writes; null while only looks can tell of a commit.</summary>
    public TimeSpan? Rest { get; private set; }

    /// <summary>The longest that <see cref="Rest"/> may become.</summary>
    public TimeSpan LongestRest => _options.IntactInterval + (_scheduler.Count * IntactForEach);

    /// <summary>Full path of the WAL.</summary>
    public string WalPath => _session.WalPath;

    /// <summary>How often something new was captured.</summary>
    public long Captures => _session.Captures;

    /// <summary>Begins.</summary>
    public void Start() => _wake = _scheduler.Add(this);

    /// <summary>Captures what is committed by now, at once, and gives the transaction id that covers it.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<ulong> CaptureNowAsync(CancellationToken cancellationToken) => RunAsync(
        session =>
        {
            Capture();
            session.Seal();
            return session.Captured.Txid;
        },
        cancellationToken);

    /// <summary>Does something with the session on the loop's thread, where everything with it happens.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="work">What to do; a local folder that fails is tried again, any other error ends the loop.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<T> RunAsync<T>(Func<CaptureSession, T> work, CancellationToken cancellationToken)
    {
        var request = new CaptureRequest<T>(work);
        lock (_gate)
        {
            if (_ended.Task.IsCompleted)
            {
                return Task.FromException<T>(Over());
            }

            _requests.Enqueue(request);
        }

        _wake?.Invoke();
        return request.Result.WaitAsync(cancellationToken);
    }

    /// <summary>Ends the loop after what it is doing.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        if (_wake is null)
        {
            End(error: null); // it never began
        }

        _wake?.Invoke();
        return Ended;
    }

    /// <summary>Notes that the WAL was written to: from now on the pauses grow anew.</summary>
    public void NoteWrite() => _lastWrite = _time.GetTimestamp();

    /// <summary>
    /// Whether a step is wanted: a look at the WAL, and whether anything else is due. Quick, and throws nothing: what fails here fails
    /// in the step again.
    /// </summary>
    public bool HasWork()
    {
        if (_stopping || _attention || UntilIntact <= TimeSpan.Zero)
        {
            return true;
        }

        lock (_gate)
        {
            if (_requests.Count > 0)
            {
                return true;
            }
        }

        long now = _time.GetUtcNow().UtcTicks;
        try
        {
            if (_session.HasNews() || ChoreIsDue(news: false))
            {
                return true;
            }

            SetPause(mayRest: true, effort: TimeSpan.Zero);
        }
        catch (Exception)
        {
            return true;
        }

        Interlocked.Exchange(ref _lastLook, now);
        return false;
    }

    /// <summary>Does what there is to do. False when the loop has ended, on request or by an error.</summary>
    public bool Step()
    {
        try
        {
            if (!_stopping)
            {
                StepOn();
                return true;
            }

            ServeRequests();
            End(error: null);
        }
        catch (Exception e)
        {
            End(e); // the session's owner decides: another session, or the end
        }

        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _checkpointer.Dispose();

    private void End(Exception? error)
    {
        lock (_gate)
        {
            while (_requests.TryDequeue(out ICaptureRequest? request))
            {
                request.Fail(error ?? Over());
            }

            if (error is null)
            {
                _ended.TrySetResult();
            }
            else
            {
                _ended.TrySetException(error);
            }
        }
    }

    private void StepOn()
    {
        _attention = false;
        long began = _time.GetTimestamp();
        try
        {
            ServeRequests();
            long now = _time.GetUtcNow().UtcTicks;
            bool news = _session.HasNews();
            bool mayRest = !news; // what is there and not committed yet may be at any moment, without another write
            if (news && MayCapture())
            {
                // Frames that a transaction has spilled and not committed, or has rolled back, look like news and are none.
                news = Capture();
                _checkpointer.RunIfDue();
            }

            if (SealIsDue)
            {
                _session.Seal();
                _lastSeal = _time.GetTimestamp();
            }

            if (!news)
            {
                Interlocked.Exchange(ref _lastLook, now);
            }

            DoChores(news);
            ReportStaging();
            SetPause(mayRest, effort: news ? _time.GetElapsedTime(began) : TimeSpan.Zero);
        }
        catch (LocalStateException e)
        {
            // Nothing is let go of: frames stay in the WAL, held by the pin, until the local folder takes them.
            _stagingFailed = _attention = true;
            _board.Fail(e, ReplicationState.Retrying);
            Pause = StagingRetry;
            Rest = null;
        }
    }

    private bool Capture()
    {
        _lastCapture = _time.GetTimestamp();
        if (!_checkpointer.Capture())
        {
            return false;
        }

        _lastNews = _lastCapture;
        return true;
    }

    private bool MayCapture()
    {
        if (StagingIsFull)
        {
            return false;
        }

        TimeSpan gathered = _time.GetElapsedTime(_lastCapture);
        if (_session.Gathers)
        {
            return gathered >= PartInterval;
        }

        return _staging.FewestWaiting < FilesInLine || _session.HasBacklog(_options.CheckpointBytes)
            || gathered >= (_destinations.Any(place => place.IsStreaming) ? _options.MaxGatherInterval : GatherWhileFailing);
    }

    // A request stays in line until it is done: one that fails for lack of room is tried again with the next step.
    private void ServeRequests()
    {
        while (true)
        {
            ICaptureRequest? request;
            lock (_gate)
            {
                if (!_requests.TryPeek(out request))
                {
                    return;
                }
            }

            request.Run(_session);
            lock (_gate)
            {
                _requests.Dequeue();
            }
        }
    }

    private static ObjectDisposedException Over() => new(nameof(CaptureLoop), "The replication has ended.");

    private void DoChores(bool news)
    {
        if (_time.GetElapsedTime(_lastIntact) >= _options.IntactInterval)
        {
            _lastIntact = _time.GetTimestamp();
            _session.EnsureIntact(lockAge: LongestRest / 2);
            long walSize = _session.WalLength;
            _board.Update(status => status.WalSize == walSize ? status : status with { WalSize = walSize });
        }

        if (IdleCheckpointIsDue(news))
        {
            _lastIdleRun = _time.GetTimestamp(); // when a reader of others keeps it from ending, the next try is a pause later
            long before = _session.Captures;
            _checkpointer.RunWhileIdle();
            _lastNews = _session.Captures == before ? _lastNews : _lastIdleRun;
        }

        if (SaveIsDue(news))
        {
            _session.SaveTable();
            _lastSave = _time.GetTimestamp();
        }
    }

    private bool ChoreIsDue(bool news) => IdleCheckpointIsDue(news) || SaveIsDue(news) || SealIsDue;

    // Where files wait for every destination already, another one brings nothing there sooner.
    private bool SealIsDue => _session.HasOpen
        && (_staging.IsOpenFull || (UntilSeal <= TimeSpan.Zero && _staging.FewestWaiting < FilesInLine));

    private TimeSpan UntilSeal => _syncInterval - _time.GetElapsedTime(_lastSeal);

    private bool IdleCheckpointIsDue(bool news) => !news && UntilIdleRun <= TimeSpan.Zero && _checkpointer.WantsIdleRun && !StagingIsFull;

    private TimeSpan UntilIdleRun => IdleBeforeCheckpoint - SinceLater(_lastNews, _lastIdleRun);

    private TimeSpan UntilIntact => LongestRest - _time.GetElapsedTime(_lastIntact);

    private TimeSpan UntilSave => Shorter(IdleBeforeCheckpoint - _time.GetElapsedTime(_lastNews), TableInterval - _time.GetElapsedTime(_lastSave));

    // To save the table ends the transaction that gathers captures, so it waits for that unless it has become long.
    private bool SaveIsDue(bool news) => _session.UnsavedChecksums > MaxUnsavedChecksums
        || (!_session.HasOpen && _session.UnsavedChecksums > 0 && (IsIdle(news) || _time.GetElapsedTime(_lastSave) >= TableInterval))
        || (!_session.HasOpen && IsIdle(news) && _session.HasExpiredFiles);

    private bool IsIdle(bool news) => !news && _time.GetElapsedTime(_lastNews) >= IdleBeforeCheckpoint;

    private bool StagingIsFull => _staging.WaitingBytes >= _options.MaxStagingBytes;

    private void ReportStaging()
    {
        if (StagingIsFull)
        {
            _staging.LetGoOfLaggard();
        }

        if (StagingIsFull)
        {
            _attention = true;
            _board.Enter(ReplicationState.Retrying, string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"staging is full: {_staging.WaitingBytes:N0} bytes wait for the replica; capture pauses and the WAL grows until it takes them"));
        }
        else if (_stagingFailed || _board.Own.State == ReplicationState.Retrying)
        {
            _stagingFailed = false;
            _board.Enter(ReplicationState.Streaming);
        }
    }

    // The pause grows with the time since the last commit, so that the lag of the next stays a small part of it. Many idle databases are looked at
    // less often each: together they must cost next to nothing. Behind a capture it is as long as that took: under a writer at full speed more commits
    // go into one file, so of pages that they share one image is compressed, and a core is left to the writer half of the time.
    private void SetPause(bool mayRest, TimeSpan effort)
    {
        TimeSpan longest = _options.IdleInterval + (_scheduler.Count * IdleForEach);
        TimeSpan pause = SinceLater(_lastNews, _lastWrite) / PartOfIdleTime;
        if (_session.HasOpen && UntilSeal is var left && left > TimeSpan.Zero && left < pause)
        {
            pause = left;
        }

        TimeSpan shortest = _session.Gathers ? PartInterval : Longer(_options.BusyInterval, Shorter(effort, PartInterval));
        Pause = Shorter(Longer(pause, shortest), longest);
        Rest = mayRest && !_attention && UntilChore is var rest && rest > TimeSpan.Zero ? rest : null;
    }

    // Not above zero where a chore waits for what no watch on the WAL tells of.
    private TimeSpan UntilChore
    {
        get
        {
            TimeSpan until = _checkpointer.WantsIdleRun ? Shorter(UntilIntact, UntilIdleRun) : UntilIntact;
            if (_session.HasOpen)
            {
                return Shorter(until, UntilSeal);
            }

            return _session.UnsavedChecksums > 0 ? Shorter(until, UntilSave) : until;
        }
    }

    private TimeSpan SinceLater(long one, long other) => _time.GetElapsedTime(Math.Max(one, other));

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
