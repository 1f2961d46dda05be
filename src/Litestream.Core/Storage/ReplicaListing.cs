using Litestream.Ltx;

namespace Litestream.Storage;

/// <summary>Lists a whole replica while another process goes on writing to it.</summary>
/// <remarks>
/// A listing is no snapshot: of two files that appear while it runs, it may show the later and miss the earlier, which looks like
/// a missing transaction. So if captured files seem to be missing, the level is listed once more: every file up to the newest that
/// the first listing showed was there before the second began, and so is in it. What is missing then is missing. Levels are listed
/// from 0 up, the way of files through them, so that a file that is merged meanwhile is seen in one of them.
/// </remarks>
public static class ReplicaListing
{
    /// <summary>Lists every level.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public static Task<List<ReplicaFile>> ReadAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        return ReadAsync(store.ListAsync, cancellationToken);
    }

    /// <summary>Lists every level with as few requests as the store can: times may be those at which the files were stored.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    public static Task<List<ReplicaFile>> ReadRoughlyAsync(IReplicaStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        return ReadAsync(store.ListRoughlyAsync, cancellationToken);
    }

    private static async Task<List<ReplicaFile>> ReadAsync(
        Func<int, CancellationToken, IAsyncEnumerable<ReplicaFile>> list, CancellationToken cancellationToken)
    {
        List<ReplicaFile> files = await ReadLevelAsync(list, 0, cancellationToken).ConfigureAwait(false);
        if (HasHole(files))
        {
            ulong newest = files[^1].Name.MaxTxid;
            List<ReplicaFile> again = await ReadLevelAsync(list, 0, cancellationToken).ConfigureAwait(false);
            files = [.. files.Union(again).Where(file => file.Name.MaxTxid <= newest).OrderBy(file => file.Name)];
        }

        for (int level = 1; level <= LtxFileName.SnapshotLevel; level++)
        {
            files.AddRange(await ReadLevelAsync(list, level, cancellationToken).ConfigureAwait(false));
        }

        return files;
    }

    private static async Task<List<ReplicaFile>> ReadLevelAsync(
        Func<int, CancellationToken, IAsyncEnumerable<ReplicaFile>> list, int level, CancellationToken cancellationToken)
    {
        List<ReplicaFile> files = [];
        await foreach (ReplicaFile file in list(level, cancellationToken).ConfigureAwait(false))
        {
            files.Add(file);
        }

        return files;
    }

    private static bool HasHole(List<ReplicaFile> files)
    {
        for (int i = 1; i < files.Count; i++)
        {
            if (files[i].Name.MinTxid > files[i - 1].Name.MaxTxid + 1)
            {
                return true;
            }
        }

        return false;
    }
}
