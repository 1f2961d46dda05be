using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>Forgets what is kept beside a database about its replication.</summary>
public static class ReplicationReset
{
    /// <summary>The folder that a reset deletes; null if there is none.</summary>
    /// <param name="databasePath">Path of the database, which need not exist any more.</param>
    public static string? FolderOf(string databasePath)
    {
        string folder = new LocalStateFolder(FullPath.Of(databasePath)).Path;
        return Directory.Exists(folder) && Entries(folder).Any() ? folder : null;
    }

    /// <summary>
    /// Deletes the local state, but for the empty file of its lock. The database and its replicas stay as they are. Captured files that had not reached the replica go: their
    /// pages are in the database, and the next start compares every page. It must be told to go on with a replica that is there (AdoptReplica).
    /// </summary>
    /// <param name="databasePath">Path of the database.</param>
    /// <returns>Whether there was anything.</returns>
    /// <exception cref="DatabaseInUseException">It is being replicated.</exception>
    /// <exception cref="LocalStateException">It could not be deleted.</exception>
    public static bool Run(string databasePath)
    {
        string path = FullPath.Of(databasePath);
        LocalStateFolder folder = new(path);
        if (FolderOf(path) is null)
        {
            return false;
        }

        folder.Guard("deleted", () =>
        {
            using FolderLock held = FolderLock.TryAcquire(folder.Path, ReplicaOwner.Current(path, DateTimeOffset.UtcNow)) ?? throw InUse(path, folder);

            // The table first: without it nothing else of the folder counts, should this be interrupted.
            File.Delete(folder.TablePath);
            File.Delete(folder.HeadPath);
            foreach (string name in Entries(folder.Path).ToList())
            {
                if (Directory.Exists(name))
                {
                    Directory.Delete(name, recursive: true);
                }
                else
                {
                    File.Delete(name);
                }
            }
        });
        return true;
    }

    // The lock's file stays: deleting it would let two processes lock two files of that name.
    private static IEnumerable<string> Entries(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Where(entry => Path.GetFileName(entry) != FolderLock.LockFileName);

    private static DatabaseInUseException InUse(string path, LocalStateFolder folder) => new(
        $"'{path}' is being replicated: {FolderLock.DescribeOwner(folder.Path)} does it. Nothing was deleted. Stop that one first.")
    { Database = path };
}
