using System.IO.Pipelines;

namespace Litestream.Ltx;

/// <summary>
/// Merges consecutive replica files into one that has the effect of applying them in turn: the newest image of each page,
/// without those beyond the final size.
/// </summary>
/// <remarks>
/// A file that makes the database larger than the one before it must hold every page that it adds. Were one missing, an older
/// image of that page, from before the database was cut, would come back to life; the merge refuses such files instead.
/// </remarks>
public static class LtxMerge
{
    private const int OutputBufferSize = 256 * 1024;

    /// <summary>Merges.</summary>
    /// <param name="inputs">Files just opened, oldest first; each follows the one before it, or overlaps it. Read to their ends, not disposed.</param>
    /// <param name="output">Takes the merged file; not closed.</param>
    /// <param name="cancellationToken">Ends the merge; what was written then is of no use.</param>
    /// <returns>The header and the trailer of the merged file.</returns>
    /// <exception cref="LtxFormatException">An input is damaged or does not fit the others; what was written is of no use.</exception>
    public static async Task<(LtxHeader Header, LtxTrailer Trailer)> MergeAsync(
        IReadOnlyList<LtxDecoder> inputs, Stream output, CancellationToken cancellationToken)
    {
        LtxHeader header = MakeHeader(inputs);
        PipeWriter pipe = PipeWriter.Create(
            output, new StreamPipeWriterOptions(minimumBufferSize: OutputBufferSize, leaveOpen: true));
        try
        {
            var encoder = new LtxEncoder(pipe, header);
            using (var merge = new LtxMergeQueue(inputs))
            {
                long flushed = 0;
                while (await merge.TryNextAsync(cancellationToken).ConfigureAwait(false))
                {
                    merge.WriteTo(encoder);
                    if (encoder.Length - flushed >= OutputBufferSize / 2)
                    {
                        await pipe.FlushAsync(cancellationToken).ConfigureAwait(false);
                        flushed = encoder.Length;
                    }
                }
            }

            LtxTrailer trailer = await FinishAsync(encoder, inputs[^1], pipe, cancellationToken).ConfigureAwait(false);
            await pipe.CompleteAsync().ConfigureAwait(false);
            return (header, trailer);
        }
        catch (Exception e)
        {
            await pipe.CompleteAsync(e).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The header that the merged file will have.</summary>
    /// <param name="inputs">Files just opened, oldest first.</param>
    /// <exception cref="LtxFormatException">The inputs do not fit each other.</exception>
    internal static LtxHeader MakeHeader(IReadOnlyList<LtxDecoder> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfZero(inputs.Count);
        for (int i = 1; i < inputs.Count; i++)
        {
            LtxHeader before = inputs[i - 1].Header;
            LtxHeader next = inputs[i].Header;
            if (next.PageSize != before.PageSize)
            {
                throw new LtxFormatException(
                    inputs[i].File, 0x08, $"its pages have {next.PageSize} bytes, those of '{inputs[i - 1].File}' {before.PageSize}");
            }

            // MinTxid is 1 or more, so the subtraction cannot wrap.
            if (next.MinTxid - 1 > before.MaxTxid || next.MaxTxid <= before.MaxTxid)
            {
                throw new LtxFormatException(inputs[i].File, 0x10, $"it does not follow '{inputs[i - 1].File}'");
            }
        }

        LtxHeader last = inputs[^1].Header;
        if (last.Commit == 0)
        {
            throw new LtxFormatException(inputs[^1].File, 0x0C, "it deletes the database, which a merged file cannot say");
        }

        return new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = last.PageSize,
            Commit = last.Commit,
            MinTxid = inputs[0].Header.MinTxid,
            MaxTxid = last.MaxTxid,
            Timestamp = last.Timestamp,
            NodeId = last.NodeId,
        };
    }

    private static async Task<LtxTrailer> FinishAsync(
        LtxEncoder encoder, LtxDecoder newest, PipeWriter pipe, CancellationToken cancellationToken)
    {
        if (encoder.Header.IsFullImage && encoder.PageCount != encoder.Header.PagesOfFullImage)
        {
            throw new LtxFormatException(newest.File, 0x0C, "it and the files before it lack pages of the database");
        }

        LtxTrailer trailer;
        while (!encoder.TryFinish(out trailer))
        {
            await pipe.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        await pipe.FlushAsync(cancellationToken).ConfigureAwait(false);
        return trailer;
    }
}
