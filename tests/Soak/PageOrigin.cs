using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Soak;

/// <summary>In which file of a replica a page was last written, up to a transaction.</summary>
/// <param name="Page">Its number.</param>
/// <param name="Level">Of the file; null if no file holds it.</param>
/// <param name="File">The file's name; null if no file holds it.</param>
internal sealed record PageOrigin(uint Page, int? Level, string? File)
{
    private const int MostPages = 50;

    /// <summary>Finds the origins of some pages, of the first fifty at most.</summary>
    /// <param name="replica">The replica's place.</param>
    /// <param name="txid">Files that go beyond are not looked at.</param>
    /// <param name="pages">Numbers of the pages.</param>
    public static async Task<PageOrigin[]> FindAsync(string replica, ulong txid, IReadOnlyList<uint> pages)
    {
        Dictionary<uint, ReplicaFile> newest = [];
        IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        await using (store)
        {
            for (int level = 0; level <= LtxFileName.SnapshotLevel; level++)
            {
                await foreach (ReplicaFile file in store.ListAsync(level, CancellationToken.None))
                {
                    if (file.Name.MaxTxid <= txid)
                    {
                        await NoteAsync(store, file, pages, newest);
                    }
                }
            }
        }

        return [.. pages.Take(MostPages).Select(page => newest.TryGetValue(page, out ReplicaFile? file)
            ? new PageOrigin(page, file.Level, file.Name.ToString())
            : new PageOrigin(page, null, null))];
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"page {Page} was last written in {(File is null ? "no file" : $"level {Level} {File}")}");

    private static async Task NoteAsync(IReplicaStore store, ReplicaFile file, IReadOnlyList<uint> pages, Dictionary<uint, ReplicaFile> newest)
    {
        LtxPageIndex index;
        try
        {
            byte[] bytes = new byte[LtxHeader.Length];
            using (Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, bytes.Length, CancellationToken.None))
            {
                await stream.ReadExactlyAsync(bytes);
            }

            LtxHeader header = LtxHeader.Parse(bytes, file.Name.ToString());
            index = await LtxPageIndex.ReadAsync(
                (offset, length, stop) => store.OpenReadAsync(file.Level, file.Name, offset, length, stop),
                file.Size, header, file.Name.ToString(), CancellationToken.None);
        }
        catch (Exception e) when (e is LitestreamException or EndOfStreamException)
        {
            return; // damaged or gone meanwhile: it tells nothing of where a page is
        }

        foreach (uint page in pages.Take(MostPages))
        {
            if (index.TryFind(page, out _) && (!newest.TryGetValue(page, out ReplicaFile? other) || file.Name.MaxTxid > other.Name.MaxTxid))
            {
                newest[page] = file;
            }
        }
    }
}
