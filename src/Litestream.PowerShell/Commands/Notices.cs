using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>What a user should hear once about a database whose replication has begun.</summary>
internal static class Notices
{
    /// <summary>Writes them.</summary>
    /// <param name="pipeline">Where to.</param>
    /// <param name="status">The status once the database is open.</param>
    /// <param name="stop">Gives up.</param>
    internal static async Task WriteAsync(CmdletPipeline pipeline, ReplicationStatus status, CancellationToken stop)
    {
        if (status.SwitchedToWal)
        {
            await pipeline.WriteVerboseAsync(
                $"'{status.DatabasePath}' was switched to WAL mode, which replication needs.", stop).ConfigureAwait(false);
        }

        if (status.Warning is { } warning)
        {
            await pipeline.WriteWarningAsync(warning, stop).ConfigureAwait(false);
        }
    }
}
