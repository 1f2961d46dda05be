using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>Brings a page checksum table forward by reading replica files, verified as they are read.</summary>
internal static class TableReplay
{
    /// <summary>Reads a whole file and gives the checksums of its pages; its own checksum has been met then.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="name">Its name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public static async Task<ReplayedFile> ReadAsync(Stream stream, string name, CancellationToken cancellationToken)
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, name, cancellationToken).ConfigureAwait(false);
        List<(uint Page, ulong Checksum)> checksums = [];
        byte[] page = new byte[decoder.Header.PageSize];
        uint number;
        while ((number = await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false)) != 0)
        {
            checksums.Add((number, PageChecksum.Compute(number, page)));
        }

        return new ReplayedFile(decoder.Header, decoder.Trailer.FileChecksum, checksums);
    }

    /// <summary>Makes the table anew from a chain of files that begins with a full image, and saves it.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="chain">A full image and what follows it, oldest first.</param>
    /// <param name="path">Full path of the table.</param>
    /// <param name="nodeId">The node id that the table gets.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task RebuildAsync(
        IReplicaStore store, IReadOnlyList<ReplicaFile> chain, string path, ulong nodeId, CancellationToken cancellationToken)
    {
        LtxHeader header = default;
        ulong fileChecksum = 0;
        PageChecksumTable? table = null;
        try
        {
            foreach (ReplicaFile file in chain)
            {
                string name = file.Name.ToString();
                Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    if (table is null)
                    {
                        (table, header, fileChecksum) = await BeginAsync(stream, name, path, nodeId, cancellationToken).ConfigureAwait(false);
                    }
                    else
                    {
                        ReplayedFile read = await ReadAsync(stream, name, cancellationToken).ConfigureAwait(false);
                        read.ApplyTo(table);
                        (header, fileChecksum) = (read.Header, read.FileChecksum);
                    }
                }
            }

            table!.Publish(path, header.MaxTxid, fileChecksum, header.Commit);
        }
        finally
        {
            table?.Dispose();
        }
    }

    private static async Task<(PageChecksumTable Table, LtxHeader Header, ulong FileChecksum)> BeginAsync(
        Stream stream, string name, string path, ulong nodeId, CancellationToken cancellationToken)
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, name, cancellationToken).ConfigureAwait(false);
        PageChecksumTable table = PageChecksumTable.Create(path, decoder.Header.PageSize, nodeId);
        try
        {
            byte[] page = new byte[decoder.Header.PageSize];
            var run = new PageChecksumRun(table);
            uint number;
            while ((number = await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false)) != 0)
            {
                run.Add(number, PageChecksum.Compute(number, page));
            }

            run.Flush();
            return (table, decoder.Header, decoder.Trailer.FileChecksum);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }
}
