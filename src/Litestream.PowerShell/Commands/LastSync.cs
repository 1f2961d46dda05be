using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>Judges the end of a replication: ended is not the same as complete.</summary>
internal static class LastSync
{
    /// <summary>What is missing in the replica after the end; null if nothing is.</summary>
    /// <param name="last">The last status.</param>
    internal static ReplicationException? Shortfall(SqliteReplication last)
    {
        if (last.State == ReplicationState.Faulted)
        {
            return new ReplicationException(
                last.LastErrorId ?? ErrorTable.Unexpected,
                last.LastError ?? $"The replication of '{last.Path}' has ended by an error that it does not name.")
            {
                Database = last.Path,
            };
        }

        // An error after the last sync: what was committed since then may not even have been captured.
        bool failing = last.LastErrorAt is { } error && error > (last.LastSyncAt ?? DateTime.MinValue);
        if (last.CapturedTxid == last.ReplicaTxid && last.LagBytes == 0 && last.State == ReplicationState.Stopped && !failing)
        {
            return null;
        }

        string why = last.LastError is { } text ? $" The last error: {text}" : "";
        return new ReplicationException(
            ErrorTable.LastSyncIncomplete,
            $"The replication of '{last.Path}' has ended, but '{last.Destination}' is not known to hold all of it: TXID {last.ReplicaTxid} of "
            + $"{last.CapturedTxid} is there, {Readable.Size(last.LagBytes)} are missing. Nothing is lost: what was captured is kept beside the "
            + $"database, and the rest goes up when the replication is started again.{why}")
        {
            Database = last.Path,
        };
    }
}
