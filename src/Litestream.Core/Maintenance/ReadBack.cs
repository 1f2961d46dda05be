using System.Globalization;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Maintenance;

/// <summary>Reads files of a replica back before they count: before a new one is relied on, and before others go because of an old one.</summary>
/// <remarks>
/// A new file that does not read back is deleted again, for a restore would choose it before the files that it was made of. If that
/// fails as well it is tried before anything else is written; a crash in between leaves a file that the next catalogue lists, and
/// that is read before anything is deleted because of it.
/// </remarks>
internal sealed class ReadBack(IReplicaStore store, ReplicaCatalogue catalogue)
{
    private readonly List<ReplicaFile> _rejected = [];

    /// <summary>How a replica file is named in errors: folder and name.</summary>
    public static string Label(ReplicaFile file) => string.Create(CultureInfo.InvariantCulture, $"{file.Level}/{file.Name}");

    /// <summary>Takes a file that was just written into the catalogue, once it has been read back.</summary>
    /// <param name="file">The file.</param>
    /// <param name="written">The trailer it was written with.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">It is not what was written; it has been deleted, or will be.</exception>
    public async Task AcceptAsync(ReplicaFile file, LtxTrailer written, CancellationToken cancellationToken)
    {
        try
        {
            if (await VerifyAsync(file, cancellationToken).ConfigureAwait(false) != written)
            {
                throw new LtxFormatException(Label(file), 0, "it was read back with another checksum than it was written with");
            }
        }
        catch (LitestreamException)
        {
            _rejected.Add(file);
            try
            {
                await DiscardAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (LitestreamException)
            {
                // The first error is the one to know; the file is on the list, and goes before anything else is written.
            }

            throw;
        }

        catalogue.Add(file);
        catalogue.Judge(file, sound: true);
    }

    /// <summary>Deletes what was written and could not be read back.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task DiscardAsync(CancellationToken cancellationToken)
    {
        while (_rejected is [.., { } file])
        {
            await store.DeleteAsync(file.Level, file.Name, cancellationToken).ConfigureAwait(false);
            _rejected.RemoveAt(_rejected.Count - 1);
        }
    }

    /// <summary>Makes sure that a file is sound: reads it, unless that was done before.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">It is damaged, and noted as such.</exception>
    public async Task EnsureSoundAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        if (catalogue.IsSound(file) == true)
        {
            return;
        }

        try
        {
            await VerifyAsync(file, cancellationToken).ConfigureAwait(false);
            catalogue.Judge(file, sound: true);
        }
        catch (Exception e) when (e is LtxFormatException or ReplicaFileNotFoundException)
        {
            catalogue.Judge(file, sound: false);
            throw;
        }
    }

    /// <summary>Reads a file whole, its header held against its name.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LtxFormatException">It is damaged.</exception>
    public async Task<LtxTrailer> VerifyAsync(ReplicaFile file, CancellationToken cancellationToken)
    {
        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        LtxDecoder decoder = await LtxDecoder.OpenAsync(stream, Label(file), cancellationToken).ConfigureAwait(false);
        await using (decoder.ConfigureAwait(false))
        {
            RequireName(decoder, file);
            byte[] page = new byte[decoder.Header.PageSize];
            while (await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false) != 0)
            {
            }

            return decoder.Trailer;
        }
    }

    /// <summary>Refuses a file that holds other transactions than its name says.</summary>
    /// <param name="decoder">The file, just opened.</param>
    /// <param name="file">As it is listed.</param>
    /// <exception cref="LtxFormatException">It does.</exception>
    public static void RequireName(LtxDecoder decoder, ReplicaFile file)
    {
        if (decoder.Header.MinTxid != file.Name.MinTxid || decoder.Header.MaxTxid != file.Name.MaxTxid)
        {
            throw new LtxFormatException(Label(file), 0x10, string.Create(
                CultureInfo.InvariantCulture,
                $"it holds transactions {decoder.Header.MinTxid} to {decoder.Header.MaxTxid}, not those of its name"));
        }
    }
}
