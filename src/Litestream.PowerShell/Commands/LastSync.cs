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

        if (last.CapturedTxid == last.ReplicaTxid && last.LagBytes == 0 && last.State == ReplicationState.Stopped)
        {
            return null;
        }

        string why = last.LastError is { } error ? $" The last error: {error}" : "";
        return new ReplicationException(
            ErrorTable.LastSyncIncomplete,
            $"The replication of '{last.Path}' has ended, but '{last.Destination}' holds it only up to TXID {last.ReplicaTxid} of "
            + $"{last.CapturedTxid}: {Readable.Size(last.LagBytes)} did not get there. They are kept beside the database and go up when the "
            + $"replication is started again.{why}")
        {
            Database = last.Path,
        };
    }
}
