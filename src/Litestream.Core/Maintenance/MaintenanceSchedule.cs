using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>
/// What is due when: merges once an interval of their level, a full image once a snapshot interval, deleting whenever something has
/// expired. It asks the replica for nothing: what is there, the catalogue knows, and an idle database costs no request.
/// </summary>
/// <remarks>
/// Order and crashes: what is written is read back before it counts; what is deleted is deleted last, and only because of files
/// that have been read. The three steps do not need each other, so one that fails does not keep the others from their work.
/// A clock that was set back makes files that seem to come from the future. They are merged all the same; an image of the future
/// is taken for due once; and nothing is deleted because of it before its time has come.
/// </remarks>
public sealed class MaintenanceSchedule
{
    private readonly IReplicaStore _store;
    private readonly ReplicaCatalogue _catalogue;
    private readonly MaintenanceOptions _options;
    private readonly TimeProvider _time;
    private readonly ReadBack _readBack;
    private readonly Compactor _compactor;
    private readonly long?[] _merged;
    private long? _imageMade;
    private bool _isUncertain;

    /// <summary>Prepares.</summary>
    /// <param name="store">The replica, which the caller holds.</param>
    /// <param name="catalogue">What it holds.</param>
    /// <param name="options">Intervals and retention.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="MaintenanceSettingException">The settings contradict each other.</exception>
    public MaintenanceSchedule(IReplicaStore store, ReplicaCatalogue catalogue, MaintenanceOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _store = store;
        _catalogue = catalogue;
        _options = options;
        _time = time;
        _readBack = new ReadBack(store, catalogue);
        _compactor = new Compactor(store, catalogue, _readBack);
        _merged = new long?[options.Levels.Count];
    }

    /// <summary>Whether a full image should be made now: never without new transactions.</summary>
    public bool IsImageDue
    {
        get
        {
            ulong newest = _catalogue.Newest(0)?.Name.MaxTxid ?? 0;
            ReplicaFile? image = _catalogue.Newest(LtxFileName.SnapshotLevel);
            if (image is null || newest <= image.Name.MaxTxid)
            {
                return newest > 0 && image is null;
            }

            TimeSpan age = _time.GetUtcNow() - image.Timestamp;
            return (age >= TimeSpan.Zero && age >= _options.SnapshotInterval)
                || ((age < TimeSpan.Zero || _catalogue.IsSound(image) == false)
                    && (_imageMade is not { } made || _time.GetElapsedTime(made) >= _options.SnapshotInterval));
        }
    }

    /// <summary>Merges what is due, level after level.</summary>
    /// <param name="cancellationToken">Ends it; what was made is kept.</param>
    public Task MergeAsync(CancellationToken cancellationToken) => StepAsync(
        async () =>
        {
            DateTimeOffset now = _time.GetUtcNow();
            for (int i = 0; i < _merged.Length; i++)
            {
                long slot = Compactor.Slot(now, _options.Levels[i]);
                if (_merged[i] != slot)
                {
                    await _compactor.CompactAsync(i + 1, _options.Levels[i], now, cancellationToken).ConfigureAwait(false);
                    _merged[i] = slot;
                }
            }
        },
        cancellationToken);

    /// <summary>Makes a full image if one is due, and reads it back.</summary>
    /// <param name="send">Writes it to the replica; gives the file and the trailer it was written with, or null if it could not be made now.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">It was not stored as it was written; it has been deleted, or will be.</exception>
    public async Task MakeImageAsync(
        Func<CancellationToken, Task<(ReplicaFile File, LtxTrailer Trailer)?>> send, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(send);
        if (!IsImageDue)
        {
            return;
        }

        await StepAsync(
            async () =>
            {
                await _readBack.DiscardAsync(cancellationToken).ConfigureAwait(false);
                if (await send(cancellationToken).ConfigureAwait(false) is { } sent)
                {
                    await _readBack.AcceptAsync(sent.File, sent.Trailer, cancellationToken).ConfigureAwait(false);
                    _imageMade = _time.GetTimestamp();
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes what has expired.</summary>
    /// <param name="cancellationToken">Ends it between two files.</param>
    public Task DeleteExpiredAsync(CancellationToken cancellationToken) => StepAsync(
        async () =>
        {
            DateTimeOffset now = _time.GetUtcNow();
            await DeleteBelowFloorAsync(now, cancellationToken).ConfigureAwait(false);
            foreach ((ReplicaFile capture, ReplicaFile merge) in Retention.Covered(_catalogue, _options, now))
            {
                await _readBack.EnsureSoundAsync(merge, cancellationToken).ConfigureAwait(false);
                await DeleteAsync(capture, cancellationToken).ConfigureAwait(false);
            }
        },
        cancellationToken);

    private async Task DeleteBelowFloorAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (Retention.Floor(_catalogue, _options, now) is { } floor && Retention.BelowFloor(_catalogue, floor) is { Count: > 0 } below)
        {
            await _readBack.EnsureSoundAsync(floor, cancellationToken).ConfigureAwait(false);
            foreach (ReplicaFile file in below)
            {
                await DeleteAsync(file, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task DeleteAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        await _store.DeleteAsync(file.Level, file.Name, cancellationToken).ConfigureAwait(false);
        _catalogue.Remove(file);
    }

    // What failed may have been done all the same (the answer was lost). So after an error the levels that are written here are
    // listed once; what is there unknown to the catalogue is taken in unread, and what is gone forgotten.
    private async Task StepAsync(Func<Task> step, CancellationToken cancellationToken)
    {
        try
        {
            if (_isUncertain)
            {
                await _readBack.DiscardAsync(cancellationToken).ConfigureAwait(false);
                await ListAsync(cancellationToken).ConfigureAwait(false);
                _isUncertain = false;
            }

            await step().ConfigureAwait(false);
        }
        catch
        {
            _isUncertain = true;
            throw;
        }
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        for (int level = 1; level <= LtxFileName.SnapshotLevel; level++)
        {
            var gone = _catalogue.Level(level).ToDictionary(file => file.Name);
            await foreach (ReplicaFile file in _store.ListAsync(level, cancellationToken).ConfigureAwait(false))
            {
                if (!gone.Remove(file.Name))
                {
                    _catalogue.Add(file);
                }
            }

            foreach (ReplicaFile file in gone.Values)
            {
                _catalogue.Remove(file);
            }
        }
    }
}
