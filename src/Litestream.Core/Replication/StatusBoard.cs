using Litestream.Diagnostics;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>Where the parts of a replication write what they did, and from which its status is read at any moment, by any thread.</summary>
internal sealed class StatusBoard
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private ReplicationStatus _status;

    /// <summary>Begins in <see cref="ReplicationState.Starting"/>.</summary>
    /// <param name="databasePath">Full path of the database.</param>
    /// <param name="destinations">The replicas' places, without any secret.</param>
    /// <param name="time">The clock.</param>
    public StatusBoard(string databasePath, IEnumerable<string> destinations, TimeProvider time)
    {
        _time = time;
        Destinations = [.. destinations.Select(place => new DestinationBoard(databasePath, place, time))];
        DateTimeOffset now = time.GetUtcNow();
        _status = new ReplicationStatus
        {
            DatabasePath = databasePath,
            Destinations = [],
            State = ReplicationState.Starting,
            Since = now,
            StartedAt = now,
        };
    }

    /// <summary>One for each destination, in the order of the options.</summary>
    public IReadOnlyList<DestinationBoard> Destinations { get; }

    /// <summary>The whole status as last written.</summary>
    public ReplicationStatus Status => Own.With([.. Destinations.Select(place => place.Status)]);

    /// <summary>The part of it that is not any destination's.</summary>
    public ReplicationStatus Own
    {
        get
        {
            lock (_gate)
            {
                return _status;
            }
        }
    }

    /// <summary>Changes state and detail. An ended replication stays ended.</summary>
    /// <param name="state">The new state.</param>
    /// <param name="detail">What it is doing in words, or null.</param>
    public void Enter(ReplicationState state, string? detail = null) => Update(status =>
        status.State is ReplicationState.Stopped or ReplicationState.Faulted
            ? status
            : status with
            {
                State = state,
                Detail = detail,
                DiskFull = state == ReplicationState.Retrying && status.DiskFull,
                Since = status.State == state ? status.Since : _time.GetUtcNow(),
            });

    /// <summary>Notes an error, and the state that it leads to.</summary>
    /// <param name="error">What happened.</param>
    /// <param name="state">The new state.</param>
    public void Fail(Exception error, ReplicationState state)
    {
        Enter(state);
        Note(error);
    }

    /// <summary>Notes an error that leaves the state as it is.</summary>
    /// <param name="error">What happened.</param>
    public void Note(Exception error)
    {
        LitestreamMeter.CountSyncError(Own.DatabasePath);
        Update(status => status with
        {
            LastError = error.Message,
            LastErrorId = (error as LitestreamException)?.ErrorId ?? error.GetType().Name,
            LastErrorAt = _time.GetUtcNow(),
            DiskFull = FolderFailure.IsDiskFull(error.InnerException ?? error),
        });
    }

    /// <summary>Changes figures.</summary>
    /// <param name="change">From the old to the new status; quick, without side effects.</param>
    public void Update(Func<ReplicationStatus, ReplicationStatus> change)
    {
        lock (_gate)
        {
            _status = change(_status);
        }
    }
}
