using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Keeps the replica of one database small while it grows: merges levels, makes full images, deletes what has expired, each at its
/// time by the clock. It asks the replica for nothing: what is there, the catalogue knows, and an idle database costs no request.
/// </summary>
/// <remarks>
/// Order: a merge is read back before it counts; an image waits until every captured file up to it is in the replica; deleting comes
/// last, and only of what others are known to cover. Deleting goes from the oldest on, so that a crash in the middle leaves one
/// window, shorter at its far end. An error is noted in the status and the work tried again at its next time: capture and upload
/// go on meanwhile, since nothing here is needed for them.
/// </remarks>
internal sealed class MaintenanceLoop
{
    private static readonly TimeSpan Level0CheckInterval = TimeSpan.FromSeconds(15);

    private readonly IReplicaStore _store;
    private readonly ReplicaCatalogue _catalogue;
    private readonly CaptureLoop _capture;
    private readonly Uploader _uploader;
    private readonly ulong _nodeId;
    private readonly ReplicationOptions _options;
    private readonly StatusBoard _board;
    private readonly TimeProvider _time;
    private readonly Compactor _compactor;

    /// <summary>Prepares the loop.</summary>
    /// <param name="store">The replica, held by us.</param>
    /// <param name="catalogue">What it holds.</param>
    /// <param name="capture">Pins the state for a full image.</param>
    /// <param name="uploader">Tells what has arrived.</param>
    /// <param name="nodeId">Whose files they are.</param>
    /// <param name="options">Intervals and retention.</param>
    /// <param name="board">Where errors go.</param>
    /// <param name="time">The clock.</param>
    public MaintenanceLoop(
        IReplicaStore store,
        ReplicaCatalogue catalogue,
        CaptureLoop capture,
        Uploader uploader,
        ulong nodeId,
        ReplicationOptions options,
        StatusBoard board,
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
        _compactor = new Compactor(store, catalogue);
    }

    /// <summary>Works until cancelled.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_options.Maintenance.Enabled)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            DateTimeOffset now = _time.GetUtcNow();
            await Task.Delay(NextSlot(now, Level0CheckInterval) - now, _time, cancellationToken).ConfigureAwait(false);
            try
            {
                await RunOnceAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (LitestreamException e) when (!cancellationToken.IsCancellationRequested)
            {
                _board.Note(e);
            }
        }
    }

    /// <summary>Does whatever is due by now.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        MaintenanceOptions options = _options.Maintenance;
        DateTimeOffset now = _time.GetUtcNow();
        for (int level = 1; level <= options.Levels.Count; level++)
        {
            DateTimeOffset slot = NextSlot(now, options.Levels[level - 1]) - options.Levels[level - 1];
            if (_catalogue.Newest(level) is not { } newest || newest.Timestamp < slot)
            {
                await _compactor.CompactAsync(level, slot, cancellationToken).ConfigureAwait(false);
            }
        }

        if (IsImageDue(now))
        {
            await SendImageAsync(cancellationToken).ConfigureAwait(false);
        }

        await DeleteAsync(Retention.ExpiredCaptures(_catalogue, options, now), cancellationToken).ConfigureAwait(false);
        await DeleteAsync(Retention.ExpiredMerges(_catalogue, options, now), cancellationToken).ConfigureAwait(false);
        await DeleteAsync(Retention.ExpiredImages(_catalogue, options, now), cancellationToken).ConfigureAwait(false);
    }

    private bool IsImageDue(DateTimeOffset now)
    {
        ReplicaFile? image = _catalogue.Newest(LtxFileName.SnapshotLevel);
        ulong newest = _catalogue.Newest(0)?.Name.MaxTxid ?? 0;
        return image is not null && newest > image.Name.MaxTxid && image.Timestamp + _options.Maintenance.SnapshotInterval <= now;
    }

    private async Task SendImageAsync(CancellationToken cancellationToken)
    {
        (PinnedImage Image, CapturedState Captured)? pinned =
            await _capture.RunAsync(session => session.TryPinCaptured(_options.BusyTimeout), cancellationToken).ConfigureAwait(false);
        if (pinned is not { } found)
        {
            return; // writers were too quick; the next check tries again
        }

        using PinnedImage image = found.Image;
        await _uploader.WaitForAsync(found.Captured.Txid, cancellationToken).ConfigureAwait(false);
        DateTimeOffset captured = _catalogue.Level(0).LastOrDefault(file => file.Name.MaxTxid == found.Captured.Txid)?.Timestamp ?? _time.GetUtcNow();
        _catalogue.Add(await BaseImage.SendSnapshotAsync(
            image, _store, found.Captured.Txid, captured, _nodeId, cancellationToken).ConfigureAwait(false));
    }

    private async Task DeleteAsync(IReadOnlyList<ReplicaFile> files, CancellationToken cancellationToken)
    {
        foreach (ReplicaFile file in files)
        {
            await _store.DeleteAsync(file.Level, file.Name, cancellationToken).ConfigureAwait(false);
            _catalogue.Remove(file);
        }
    }

    private static DateTimeOffset NextSlot(DateTimeOffset now, TimeSpan interval) =>
        new(((now.UtcTicks / interval.Ticks) + 1) * interval.Ticks, TimeSpan.Zero);
}
