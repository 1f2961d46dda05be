using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Deletes a replica.</summary>
public static class ReplicaRemoval
{
    /// <summary>
    /// Deletes every file of a replica, and nothing else at its place. Full images go first: what an interrupted removal leaves cannot
    /// be taken for an older, whole replica.
    /// </summary>
    /// <param name="place">The replica's place.</param>
    /// <param name="cancellationToken">Ends it; what is deleted by then is gone.</param>
    /// <returns>Files and bytes deleted.</returns>
    /// <exception cref="ReplicaInUseException">Somebody replicates to it; nothing was deleted.</exception>
    public static async Task<(int Files, long Bytes)> RunAsync(ReplicaLocation place, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(place);
        int files = 0;
        long bytes = 0;
        IReplicaStore store = place.Open();
        await using (store.ConfigureAwait(false))
        {
            // Nothing there: taking the right to write would make the place.
            List<ReplicaFile> found = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
            if (found.Count == 0)
            {
                return (0, 0);
            }

            IReplicaLease lease = await store.AcquireAsync(
                ReplicaOwner.Current("(removal)", DateTimeOffset.UtcNow), cancellationToken).ConfigureAwait(false);
            await using (lease.ConfigureAwait(false))
            {
                found = await ReplicaListing.ReadAsync(store, cancellationToken).ConfigureAwait(false);
                foreach (ReplicaFile file in found.OrderByDescending(file => file.Level).ThenByDescending(file => file.Name.MaxTxid))
                {
                    await store.DeleteAsync(file.Level, file.Name, cancellationToken).ConfigureAwait(false);
                    files++;
                    bytes += file.Size;
                }
            }
        }

        if (place is FolderLocation folder)
        {
            RemoveEmptyFolders(folder.Path);
        }

        return (files, bytes);
    }

    // The lock's file stays: deleting it would let two processes lock two files of that name.
    private static void RemoveEmptyFolders(string folder)
    {
        string levels = Path.Combine(folder, FolderReplicaStore.LtxFolderName);
        for (int level = 0; level <= LtxFileName.SnapshotLevel; level++)
        {
            TryRemove(Path.Combine(levels, level.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        TryRemove(levels);
    }

    // What others keep there stays.
    private static void TryRemove(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }
}
