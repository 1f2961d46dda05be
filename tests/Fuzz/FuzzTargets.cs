using System.Text;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Fuzz;

/// <summary>Everything that reads bytes of others. A target returns, whatever the bytes: only the reader's own error is caught.</summary>
public static class FuzzTargets
{
    /// <summary>The targets by name; each has a folder in the corpus.</summary>
    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new SortedDictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["ltx"] = ReadLtx,
        ["ltx-index"] = ReadIndex,
        ["ltx-merge"] = Merge,
        ["wal"] = ReadWal,
        ["page-table"] = ReadTable,
        ["lease"] = bytes => S3LeaseRecord.Parse(bytes),
        ["follow"] = ReadFollowPosition,
        ["place"] = ReadPlace,
    };

    private static void ReadLtx(byte[] bytes) => Expecting<LtxFormatException>(async () =>
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(new MemoryStream(bytes), "fuzz", CancellationToken.None).ConfigureAwait(false);
        byte[] page = new byte[decoder.Header.PageSize];
        while (await decoder.ReadPageAsync(page, CancellationToken.None).ConfigureAwait(false) != 0)
        {
        }
    });

    private static void ReadIndex(byte[] bytes) => Expecting<LtxFormatException>(async () =>
    {
        var header = LtxHeader.Parse(bytes, "fuzz");
        LtxPageIndex index = await LtxPageIndex.ReadAsync(
            (offset, length, _) => Task.FromResult<Stream>(new MemoryStream(bytes, checked((int)offset), checked((int)length))),
            bytes.Length,
            header,
            "fuzz",
            CancellationToken.None).ConfigureAwait(false);
        foreach (LtxPageIndexEntry entry in index.Entries())
        {
            _ = index.TryFind(entry.PageNumber, out _);
        }
    });

    // Two files, cut where the first two bytes say.
    private static void Merge(byte[] bytes) => Expecting<LtxFormatException>(async () =>
    {
        int cut = bytes.Length < 2 ? 0 : Math.Min(bytes.Length - 2, (bytes[0] << 8) | bytes[1]) + 2;
        await using LtxDecoder first = await LtxDecoder.OpenAsync(
            new MemoryStream(bytes[Math.Min(2, cut)..cut]), "first", CancellationToken.None).ConfigureAwait(false);
        await using LtxDecoder second = await LtxDecoder.OpenAsync(new MemoryStream(bytes[cut..]), "second", CancellationToken.None).ConfigureAwait(false);
        await LtxMerge.MergeAsync([first, second], Stream.Null, CancellationToken.None).ConfigureAwait(false);
    });

    private static void ReadWal(byte[] bytes) => InFile(bytes, "-wal", database =>
    {
        using var wal = new WalFile(database);
        if (!wal.TryReadHeader(out WalHeader header))
        {
            return;
        }

        long frameSize = WalFrameHeader.Size + header.PageSize;
        uint frames = (uint)((bytes.Length - WalHeader.Size) / frameSize);
        if (frames == 0 || !wal.TryReadFrameHeader(WalHeader.Size + ((frames - 1) * frameSize), out WalFrameHeader last))
        {
            return;
        }

        // As if SQLite had committed all of it.
        var start = new WalPosition(0, 0, 0, 0, 0, 1, header.PageSize, null);
        var end = new WalPosition(
            header.Salt1, header.Salt2, frames, last.Checksum.S0, last.Checksum.S1, Math.Max(1, last.CommitSize), header.PageSize, null);
        using var window = new WalWindow();
        if (window.TryScan(wal, start, end))
        {
            byte[] page = new byte[header.PageSize];
            for (int i = 0; i < window.Count; i++)
            {
                window.Page(i, page);
            }
        }
    });

    private static void ReadTable(byte[] bytes) => InFile(bytes, "", path =>
    {
        using PageChecksumTable? table = PageChecksumTable.TryOpen(path);
        table?.ReadRange(1, new ulong[100]);
    });

    private static void ReadFollowPosition(byte[] bytes) => InFile(bytes, "-follow", database => FollowPosition.Read(database));

    private static void ReadPlace(byte[] bytes)
    {
        try
        {
            ReplicaLocation.Parse(Encoding.UTF8.GetString(bytes));
        }
        catch (ReplicaLocationException)
        {
            // Refused.
        }
    }

    private static void InFile(byte[] bytes, string suffix, Action<string> read)
    {
        string path = Path.Combine(Path.GetTempPath(), $"litestream-fuzz-{Guid.NewGuid():N}");
        File.WriteAllBytes(path + suffix, bytes);
        try
        {
            read(path);
        }
        finally
        {
            File.Delete(path + suffix);
        }
    }

    private static void Expecting<TError>(Func<Task> read)
        where TError : Exception
    {
        try
        {
            read().GetAwaiter().GetResult();
        }
        catch (TError)
        {
            // Refused.
        }
    }
}
