namespace Litestream.Replication;

/// <summary>Where the work for one destination is noted, and from which its status is read at any moment, by any thread.</summary>
internal sealed class DestinationBoard(string destination, TimeProvider time)
{
    private readonly Lock _gate = new();
    private DestinationStatus _status = new() { Destination = destination, State = ReplicationState.Starting, Since = time.GetUtcNow() };

    /// <summary>The status as last written.</summary>
    public DestinationStatus Status
    {
        get
        {
            lock (_gate)
            {
                return _status;
            }
        }
    }

    /// <summary>Changes state and detail.</summary>
    /// <param name="state">The new state.</param>
    /// <param name="detail">What it is doing in words, or null.</param>
    public void Enter(ReplicationState state, string? detail = null) => Update(status => status with
    {
        State = state,
        Detail = detail,
        Since = status.State == state ? status.Since : time.GetUtcNow(),
    });

    /// <summary>Notes an error after which it is tried again.</summary>
    /// <param name="error">What happened.</param>
    public void Fail(LitestreamException error)
    {
        Enter(ReplicationState.Retrying);
        Note(error);
    }

    /// <summary>Notes an error that leaves the state as it is.</summary>
    /// <param name="error">What happened.</param>
    public void Note(LitestreamException error) => Update(status => status with
    {
        LastError = error.Message,
        LastErrorId = error.ErrorId,
        LastErrorAt = time.GetUtcNow(),
    });

    /// <summary>Changes figures.</summary>
    /// <param name="change">From the old to the new status; quick, without side effects.</param>
    public void Update(Func<DestinationStatus, DestinationStatus> change)
    {
        lock (_gate)
        {
            _status = change(_status);
        }
    }
}
