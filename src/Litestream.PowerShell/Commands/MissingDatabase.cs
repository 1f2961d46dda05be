using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>Brings a database back that is not there, before its replication begins.</summary>
internal static class MissingDatabase
{
    /// <summary>Restores it from the first destination that holds a replica; does nothing where the database is there, or no replica.</summary>
    /// <param name="pipeline">Where progress goes.</param>
    /// <param name="options">Database and destinations.</param>
    /// <param name="stop">Gives up; nothing is left in the database's place.</param>
    /// <exception cref="LitestreamException">A replica cannot be reached or restored. An application that began anew now would hide it.</exception>
    internal static async Task RestoreAsync(CmdletPipeline pipeline, ReplicationOptions options, CancellationToken stop)
    {
        foreach (ReplicaLocation place in File.Exists(options.DatabasePath) ? [] : options.Destinations)
        {
            TransferProgress progress = new(pipeline, $"Restoring {options.DatabasePath}");
            try
            {
                RestoreOptions restore = new() { Source = place, OutputPath = options.DatabasePath };
                await DatabaseRestorer.RestoreAsync(restore, progress, stop).ConfigureAwait(false);
                await pipeline.WriteVerboseAsync($"'{options.DatabasePath}' was not there and was restored from '{place}'.", stop).ConfigureAwait(false);
                return;
            }
            catch (ReplicaNotFoundException)
            {
                await pipeline.WriteVerboseAsync($"There is no replica of '{options.DatabasePath}' at '{place}'.", stop).ConfigureAwait(false);
            }
            finally
            {
                progress.Complete();
            }
        }
    }
}
