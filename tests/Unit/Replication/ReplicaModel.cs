using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>
/// What a replica says, by the plainest reading: the newest full image, then each captured file over it, oldest first. The slow
/// twin of the restorer. It holds the replica to the rules on the way: no gap, ascending times, every page that a file says
/// the database has grown by is in it.
/// </summary>
internal static class ReplicaModel
{
    /// <summary>Writes the database that a replica holds into a file; returns the last transaction id.</summary>
    public static async Task<ulong> ApplyAsync(string replica, string output, ulong? upTo = null)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        List<ReplicaFile> images = await ListAsync(store, LtxFileName.SnapshotLevel);
        ReplicaFile image = images.Where(file => file.Name.MaxTxid <= (upTo ?? ulong.MaxValue)).MaxBy(file => file.Name.MaxTxid)!;
        using FileStream database = new(output, FileMode.Create, FileAccess.ReadWrite);
        LtxHeader last = await ApplyAsync(store, image, database, default);
        foreach (ReplicaFile file in await ListAsync(store, 0))
        {
            if (file.Name.MinTxid > last.MaxTxid && file.Name.MaxTxid <= (upTo ?? ulong.MaxValue))
            {
                Assert.Equal(last.MaxTxid + 1, file.Name.MinTxid);
                last = await ApplyAsync(store, file, database, last);
            }
        }

        return last.MaxTxid;
    }

    /// <summary>The files of a level, in order.</summary>
    public static async Task<List<ReplicaFile>> ListAsync(string replica, int level)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        return await ListAsync(store, level);
    }

    private static async Task<List<ReplicaFile>> ListAsync(IReplicaStore store, int level)
    {
        List<ReplicaFile> files = [];
        await foreach (ReplicaFile file in store.ListAsync(level, CancellationToken.None))
        {
            files.Add(file);
        }

        return files;
    }

    private static async Task<LtxHeader> ApplyAsync(IReplicaStore store, ReplicaFile file, FileStream database, LtxHeader before)
    {
        await using Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, CancellationToken.None);
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, file.Name.ToString(), CancellationToken.None);
        LtxHeader header = decoder.Header;
        Assert.True(header.Timestamp >= before.Timestamp, $"{file.Name} goes back in time.");
        Assert.Equal(header.Timestamp, file.Timestamp.ToUnixTimeMilliseconds());
        uint grown = before.Commit + 1;
        uint lockPage = LockPage.Number(header.PageSize);
        byte[] page = new byte[header.PageSize];
        for (uint number; (number = await decoder.ReadPageAsync(page, CancellationToken.None)) != 0;)
        {
            grown += grown == lockPage ? 1u : 0u;
            Assert.True(number <= grown, $"{file.Name} grows the database from {before.Commit} to {header.Commit} pages and lacks {grown}.");
            grown = Math.Max(grown, number + 1);
            long offset = (number - 1) * (long)header.PageSize;
            if (offset < RandomAccess.GetLength(database.SafeFileHandle) || page.AsSpan().ContainsAnyExcept((byte)0))
            {
                RandomAccess.Write(database.SafeFileHandle, page, offset); // else it stays a hole, which reads as zeros
            }

        }

        grown += grown == lockPage ? 1u : 0u;
        Assert.True(grown > header.Commit, $"{file.Name} grows the database from {before.Commit} to {header.Commit} pages and lacks {grown}.");
        RandomAccess.SetLength(database.SafeFileHandle, header.Commit * (long)header.PageSize);
        return header;
    }
}
