using Litestream.Replication;
using Litestream.Restoration;
using Litestream.Storage;

namespace Litestream.PowerShell.Commands;

/// <summary>Brings a database back that is not there, before its replication begins.</summary>
internal static class MissingDatabase
{
    /// <summary>Restores it from the destination with the newest state; does nothing where the database is there, or no replica.</summary>
    /// <param name="pipeline">Where progress goes.</param>
    /// <param name="options">Database and destinations.</param>
    /// <param name="stop">Gives up; nothing is left in the database's place.</param>
    /// <exception cref="LitestreamException">A replica cannot be reached or restored. An application that began anew now would hide it.</exception>
    internal static async Task RestoreAsync(CmdletPipeline pipeline, ReplicationOptions options, CancellationToken stop)
    {
        ReplicaLocation? source = null;
        DateTimeOffset newest = default;
        foreach (ReplicaLocation place in File.Exists(options.DatabasePath) ? [] : options.Destinations)
        {
            try
            {
                RestorePlan plan = await DatabaseRestorer.PlanAsync(Restore(place), stop).ConfigureAwait(false);
                (source, newest) = source is null || plan.Timestamp > newest ? (place, plan.Timestamp) : (source, newest);
            }
            catch (ReplicaNotFoundException)
            {
                await pipeline.WriteVerboseAsync($"There is no replica of '{options.DatabasePath}' at '{place}'.", stop).ConfigureAwait(false);
            }
        }

        if (source is not null)
        {
            using TransferProgress progress = new(pipeline, $"Restoring {options.DatabasePath}");
            await progress.WhileAsync(DatabaseRestorer.RestoreAsync(Restore(source), progress, stop)).ConfigureAwait(false);
            await pipeline.WriteVerboseAsync($"'{options.DatabasePath}' was not there and was restored from '{source}'.", stop).ConfigureAwait(false);
        }

        RestoreOptions Restore(ReplicaLocation place) => new() { Source = place, OutputPath = options.DatabasePath };
    }
}
