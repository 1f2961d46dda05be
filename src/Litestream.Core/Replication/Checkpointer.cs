using System.Diagnostics;
using Litestream.Diagnostics;
using Litestream.Sqlite;

namespace Litestream.Replication;

/// <summary>
/// Keeps the WAL short. Our pin holds up the checkpoints of the application, so the replicator checkpoints in its stead.
/// </summary>
/// <remarks>
/// Protocol, each time: everything up to the pin is captured; what is captured is durable (flushed, or in the replica); only then
/// <c>PASSIVE</c>, which copies nothing past the pin's last frame, so nothing that could be lost. If it copied all, a leap
/// lands on mark 0 and the next writer begins the WAL anew at frame 1. Writers are not waited for and do not wait.
/// Under writers that never rest some commit always slips in between. Then, when the WAL has grown past the second threshold, the write lock
/// is taken (BEGIN IMMEDIATE; nothing is written), the tail is captured and copied, and the lock let go: writers wait for
/// the tail alone. Where they commit faster than capture reads, a second threshold's worth that waits uncaptured, or twice of it in
/// the WAL, makes us take the lock at once: writers are slowed down to what capture can do, and the WAL stays short. Never RESTART or FULL, which wait for readers while they keep writers out; TRUNCATE only on mark 0 with a
/// timeout of zero, where it does nothing unless there is nothing to lose.
/// A crash in the middle drops our locks; SQLite's own rules make a half-done checkpoint harmless.
/// </remarks>
internal sealed class Checkpointer : IDisposable
{
    private const int QuickRounds = 3;

    /// <summary>An application checkpoints by itself from 1000 frames on by default; staying below spares it the work.</summary>
    private const int FramesBelowApplicationsOwn = 800;

    private static readonly TimeSpan WriterLockTimeout = TimeSpan.FromMilliseconds(200);

    private readonly CaptureSession _session;
    private readonly ReplicationOptions _options;
    private readonly string _path;
    private DatabaseConnection? _writerLock;
    private WalPosition _lastTry;

    /// <summary>Checkpoints for a session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="path">Full path of the database.</param>
    /// <param name="options">Thresholds.</param>
    public Checkpointer(CaptureSession session, string path, ReplicationOptions options)
    {
        _session = session;
        _path = path;
        _options = options;
        _lastTry = session.Captured.Position;
        HasWork = _lastTry.MaxFrame > 0;
    }

    /// <summary>Whether frames may be waiting to be copied into the database file.</summary>
    public bool HasWork { get; private set; }

    /// <summary>Whether a quiet moment should be used.</summary>
    public bool WantsIdleRun => HasWork || WalFileIsLarge;

    private bool WalFileIsLarge => _session.WalLength > _options.BlockingCheckpointBytes;

    /// <summary>
    /// Captures everything that is committed by now; behind the write lock, and with a checkpoint, if that has become too much. True if
    /// that was anything.
    /// </summary>
    public bool Capture()
    {
        CapturedState before = _session.Captured;
        if (_session.Leap() < _options.BlockingCheckpointBytes || !RunBehindWriterLock())
        {
            _session.Capture();
        }

        bool news = _session.Captured.Txid != before.Txid || _session.Captured.FileChecksum != before.FileChecksum;
        HasWork |= news;
        return news;
    }

    /// <summary>Checkpoints if the WAL has grown to a threshold since the last try.</summary>
    public void RunIfDue()
    {
        WalPosition at = _session.Captured.Position;
        long threshold = Math.Min(_options.CheckpointBytes, WalHeader.Size + (FramesBelowApplicationsOwn * at.FrameSize));
        long sinceLastTry = at.SameGeneration(_lastTry) ? at.EndOffset - _lastTry.EndOffset : at.EndOffset;
        if (at.EndOffset >= threshold && sinceLastTry >= threshold / 4)
        {
            Run(QuickRoundsAt(at), mayBlock: at.EndOffset >= _options.BlockingCheckpointBytes);
        }
    }

    /// <summary>Checkpoints now, as far as it goes without keeping writers out; afterwards shrinks a WAL file that has grown large.</summary>
    public void RunWhileIdle()
    {
        Run(QuickRounds, mayBlock: false);
        if (!HasWork && WalFileIsLarge)
        {
            _session.Pins.Truncate(_options.BusyTimeout);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writerLock?.Dispose();

    // The longer the WAL, the less is tried in the hope of a gap between two commits.
    private int QuickRoundsAt(in WalPosition at) => (at.EndOffset / _options.BlockingCheckpointBytes) switch
    {
        0 => QuickRounds,
        1 => 1,
        _ => 0,
    };

    private void Run(int quickRounds, bool mayBlock)
    {
        _lastTry = _session.Captured.Position;
        for (int round = 0; round < quickRounds; round++)
        {
            if (RunRound())
            {
                return;
            }
        }

        if (mayBlock)
        {
            RunBehindWriterLock();
        }
    }

    // True if the pin is now in mark 0: the next writer begins the WAL anew.
    private bool RunRound()
    {
        _session.MakeDurable();
        CheckpointResult result = Checkpoint();
        WalPosition before = _session.Captured.Position;
        bool news = _session.Capture();
        bool atEnd = result.Complete && !news && _session.Captured.Position == before;
        HasWork = !atEnd;
        return atEnd;
    }

    private CheckpointResult Checkpoint()
    {
        long begin = Stopwatch.GetTimestamp();
        bool failed = true;
        try
        {
            CheckpointResult result = _session.Pins.Checkpoint();
            failed = false;
            return result;
        }
        finally
        {
            LitestreamMeter.CountCheckpoint(_path, failed, Stopwatch.GetElapsedTime(begin));
        }
    }

    // False if writers did not let us have the lock.
    private bool RunBehindWriterLock()
    {
        _writerLock ??= DatabaseConnection.Open(_path, TimeSpan.Zero);
        if (!_writerLock.TryLockWriters(WriterLockTimeout))
        {
            return false;
        }

        try
        {
            _session.Capture(); // up to the pin, which may stand before the newest commit
            _session.Capture();
            RunRound();
            _lastTry = _session.Captured.Position;
            return true;
        }
        finally
        {
            _writerLock.Unpin();
        }
    }
}
