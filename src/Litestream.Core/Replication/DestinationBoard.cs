using Litestream.Diagnostics;

namespace Litestream.Replication;

/// <summary>Where the work for one destination is noted, and from which its status is read at any moment, by any thread.</summary>
/// <param name="database">Full path of the database.</param>
/// <param name="destination">The replica's place, without any secret.</param>
/// <param name="time">The clock.</param>
internal sealed class DestinationBoard(string database, string destination, TimeProvider time)
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
    public void Note(LitestreamException error)
    {
        LitestreamMeter.CountSyncError(database);
        Update(status => status with
        {
            LastError = error.Message,
            LastErrorId = error.ErrorId,
            LastErrorAt = time.GetUtcNow(),
        });
    }

    /// <summary>Notes what came of a test of the replica.</summary>
    /// <param name="outcome">What was proven.</param>
    /// <param name="txid">Up to which transaction.</param>
    /// <param name="error">What was found wrong, or could not be proven; null if nothing.</param>
    public void NoteVerification(VerificationOutcome outcome, ulong txid, string? error)
    {
        DateTimeOffset now = time.GetUtcNow();
        Update(status => outcome switch
        {
            VerificationOutcome.Pass => status with { LastVerifiedAt = now, VerifiedTxid = txid, LastVerifyAt = now, LastVerifyOutcome = outcome, LastVerifyError = null },
            // A test that could not be made does not take back what an earlier one has found.
            VerificationOutcome.Inconclusive when status.LastVerifyOutcome == VerificationOutcome.Fail => status with { LastVerifyAt = now },
            _ => status with { LastVerifyAt = now, LastVerifyOutcome = outcome, LastVerifyError = error },
        });
    }

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
