namespace Litestream.Replication;

/// <summary>
/// Tells from look to look at one replication what an operator should know. Trouble that passes by itself within minutes is not told: a
/// log that cries at every lost packet is not read.
/// </summary>
public sealed class ReplicationWatcher
{
    /// <summary>How long trouble lasts before it is told.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private ReplicationState? _told;
    private DateTimeOffset? _unwellSince;
    private bool _troubled;

    /// <summary>Looks once.</summary>
    /// <param name="status">The replication as it is.</param>
    /// <param name="now">The time.</param>
    /// <returns>What has happened since the last look that should be known; null for nothing.</returns>
    public ReplicationEvent? Look(ReplicationStatus status, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(status);
        string what = $"'{status.DatabasePath}' to {status.Destination}";
        switch (status.State)
        {
            case ReplicationState.Streaming:
                _unwellSince = null;
                return Well(what);
            case ReplicationState.Stopped or ReplicationState.Suspended:
                return End(status.State, new ReplicationEvent(
                    ReplicationEventKind.Stopped,
                    FormattableString.Invariant($"The replication of {what} was {(status.State == ReplicationState.Stopped ? "ended" : "suspended")} on request. The replica holds the database as of TXID {status.ReplicaTxid}.")));
            case ReplicationState.Faulted:
                return End(status.State, new ReplicationEvent(
                    ReplicationEventKind.Failed, $"The replication of {what} has ended by an error ({status.LastErrorId}): {status.LastError}"));
            default:
                return Unwell(status, what, now);
        }
    }

    private ReplicationEvent? Well(string what)
    {
        bool recovered = _troubled;
        bool first = _told != ReplicationState.Streaming;
        (_told, _troubled) = (ReplicationState.Streaming, false);
        return recovered ? new ReplicationEvent(ReplicationEventKind.Recovered, $"The replication of {what} is well again. Every commit is sent as it comes.")
            : first ? new ReplicationEvent(ReplicationEventKind.Started, $"The replication of {what} has started. Every commit is sent as it comes.")
            : null;
    }

    private ReplicationEvent? End(ReplicationState state, ReplicationEvent told)
    {
        bool known = _told == state;
        (_told, _unwellSince, _troubled) = (state, null, false);
        return known ? null : told;
    }

    private ReplicationEvent? Unwell(ReplicationStatus status, string what, DateTimeOffset now)
    {
        _unwellSince ??= now;
        bool damaged = status.State == ReplicationState.Damaged;
        if (_troubled || (!damaged && now - _unwellSince < Patience))
        {
            return null;
        }

        _troubled = true;
        string why = damaged ? status.LastVerifyError ?? "its last verification has failed."
            : status.LastError ?? status.Detail ?? "it has not begun to stream.";
        return new ReplicationEvent(
            ReplicationEventKind.Troubled, $"The replication of {what} is in trouble ({status.State} since {_unwellSince:u}): {why}");
    }
}
