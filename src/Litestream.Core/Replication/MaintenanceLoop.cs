using Litestream.Diagnostics;
using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Keeps the replica of one database small while it grows: does what the <see cref="MaintenanceSchedule"/> says is due, and makes the
/// full images, for which capture must stand still at a transaction for a moment.
/// </summary>
/// <remarks>
/// An image waits until every captured file up to it is in the replica, but not for long: it holds a read transaction, and the WAL
/// grows while the replica is away. An error is noted in the status and the work tried again at its next time: capture and
/// upload go on meanwhile, since nothing here is needed for them.
/// </remarks>
internal sealed class MaintenanceLoop
{
    /// <summary>How often it is looked whether anything is due.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(15);

    // A little behind the intervals' ends, so that what was captured just before has arrived and need not be merged by itself.
    private static readonly TimeSpan CheckDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ImageWait = TimeSpan.FromSeconds(30);

    private readonly IReplicaStore _store;
    private readonly ReplicaCatalogue _catalogue;
    private readonly CaptureLoop _capture;
    private readonly Uploader _uploader;
    private readonly ulong _nodeId;
    private readonly ReplicationOptions _options;
    private readonly MaintenanceOptions _maintenance;
    private readonly DestinationBoard _board;
    private readonly TimeProvider _time;
    private readonly MaintenanceSchedule _schedule;

    /// <summary>Prepares the loop.</summary>
    /// <param name="store">The replica, held by us.</param>
    /// <param name="catalogue">What it holds.</param>
    /// <param name="capture">Pins the state for a full image.</param>
    /// <param name="uploader">Tells what has arrived.</param>
    /// <param name="nodeId">Whose files they are.</param>
    /// <param name="options">How long to wait for locks.</param>
    /// <param name="maintenance">Intervals and retention.</param>
    /// <param name="board">Where errors go.</param>
    /// <param name="time">The clock.</param>
    public MaintenanceLoop(
        IReplicaStore store,
        ReplicaCatalogue catalogue,
        CaptureLoop capture,
        Uploader uploader,
        ulong nodeId,
        ReplicationOptions options,
        MaintenanceOptions maintenance,
        DestinationBoard board,
        TimeProvider time)
    {
        _store = store;
        _catalogue = catalogue;
        _capture = capture;
        _uploader = uploader;
        _nodeId = nodeId;
        _options = options;
        _board = board;
        _time = time;
        _maintenance = maintenance;
        _schedule = new MaintenanceSchedule(store, catalogue, maintenance, time);
    }

    /// <summary>Works until cancelled.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_maintenance.Enabled)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            await Task.Delay(UntilNextCheck(), _time, cancellationToken).ConfigureAwait(false);
            await RunOnceAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Does whatever is due by now.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await TryAsync(_schedule.MergeAsync, cancellationToken).ConfigureAwait(false);
        await TryAsync(cancel => _schedule.MakeImageAsync(SendImageAsync, cancel), cancellationToken).ConfigureAwait(false);
        RetentionCount captures = RetentionCount.Of(_catalogue, _maintenance, _time.GetUtcNow());
        _board.Update(status => status with { Captures = captures });
        await TryAsync(_schedule.DeleteExpiredAsync, cancellationToken).ConfigureAwait(false);
    }

    private async Task TryAsync(Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await step(cancellationToken).ConfigureAwait(false);
        }
        catch (LitestreamException e) when (!cancellationToken.IsCancellationRequested)
        {
            _board.Note(e);
            if (e is LtxFormatException)
            {
                LitestreamMeter.CountVerificationError(_options.DatabasePath);
            }
        }
    }

    private async Task<(ReplicaFile File, LtxTrailer Trailer)?> SendImageAsync(CancellationToken cancellationToken)
    {
        (PinnedImage Image, CapturedState Captured)? pinned =
            await _capture.RunAsync(session => session.TryPinCaptured(_options.BusyTimeout), cancellationToken).ConfigureAwait(false);
        if (pinned is not { } found)
        {
            return null; // writers were too quick; the next check tries again
        }

        using PinnedImage image = found.Image;
        try
        {
            await _uploader.WaitForAsync(found.Captured.Txid, cancellationToken).WaitAsync(ImageWait, _time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null; // the replica is away or far behind, as the status says; the next check tries again
        }

        DateTimeOffset captured = _catalogue.Level(0).LastOrDefault(file => file.Name.MaxTxid == found.Captured.Txid)?.Timestamp ?? _time.GetUtcNow();
        return await BaseImage.SendSnapshotAsync(image, _store, found.Captured.Txid, captured, _nodeId, _ => { }, cancellationToken).ConfigureAwait(false);
    }

    private TimeSpan UntilNextCheck()
    {
        long past = (_time.GetUtcNow() - CheckDelay).UtcTicks % CheckInterval.Ticks;
        return TimeSpan.FromTicks(CheckInterval.Ticks - past);
    }
}
