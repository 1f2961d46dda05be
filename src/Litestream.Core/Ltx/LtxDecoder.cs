using System.Buffers;

namespace Litestream.Ltx;

/// <summary>
/// Reads one replica file from its first byte to its last, page after page, block pages and frame pages, and checks everything in it. A page is
/// proven only when the end has been reached: the checksum of the file comes last. Memory does not depend on the file.
/// Not safe for use by two threads at once. <see cref="LtxRunReader"/> does the same on several cores.
/// </summary>
public sealed class LtxDecoder : IAsyncDisposable
{
    /// <summary>Bytes that are read at a time, unless said otherwise.</summary>
    public const int DefaultBufferSize = 256 * 1024;

    private readonly LtxScanner _scanner;

    private LtxDecoder(LtxScanner scanner) => _scanner = scanner;

    /// <summary>The header.</summary>
    public LtxHeader Header => _scanner.Header;

    /// <summary>The trailer, once the end has been reached.</summary>
    /// <exception cref="InvalidOperationException">It has not.</exception>
    public LtxTrailer Trailer => _scanner.Trailer;

    /// <summary>The name that was given for the file.</summary>
    public string File => _scanner.File;

    /// <summary>Bytes decoded so far; the file's length once the end has been reached.</summary>
    public long Position => _scanner.Position;

    /// <summary>Pages read so far.</summary>
    public long PageCount => _scanner.PageCount;

    /// <summary>
    /// The page just read as it stands in the file, if it is a block page: what <see cref="LtxEncoder.WriteEncodedPage"/> takes.
    /// Empty for a frame page. Valid until the next call.
    /// </summary>
    internal ReadOnlySpan<byte> EncodedPage => _scanner.IsBlock ? _scanner.Encoded : [];

    /// <summary>Reads the header.</summary>
    /// <param name="stream">The file from its first byte; it is owned, also if this fails.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The header breaks a rule of the format.</exception>
    public static Task<LtxDecoder> OpenAsync(Stream stream, string file, CancellationToken cancellationToken) =>
        OpenAsync(stream, file, DefaultBufferSize, cancellationToken);

    /// <summary>Reads the header, with a buffer of another size: for many files at once.</summary>
    /// <param name="stream">The file from its first byte; it is owned, also if this fails.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="bufferSize">Bytes to read at a time; raised to what the largest page of the file needs.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The header breaks a rule of the format.</exception>
    public static async Task<LtxDecoder> OpenAsync(Stream stream, string file, int bufferSize, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new LtxDecoder(await LtxScanner.OpenAsync(stream, file, bufferSize, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Reads a whole file and checks everything in it.</summary>
    /// <param name="stream">The file from its first byte; it is disposed.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public static async Task<LtxTrailer> VerifyAsync(Stream stream, string file, CancellationToken cancellationToken)
    {
        LtxDecoder decoder = await OpenAsync(stream, file, cancellationToken).ConfigureAwait(false);
        await using (decoder.ConfigureAwait(false))
        {
            byte[] page = ArrayPool<byte>.Shared.Rent(decoder.Header.PageSize);
            try
            {
                while (await decoder.ReadPageAsync(page, cancellationToken).ConfigureAwait(false) != 0)
                {
                }

                return decoder.Trailer;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(page);
            }
        }
    }

    /// <summary>Reads the next page.</summary>
    /// <param name="page">Takes the page in its first <see cref="LtxHeader.PageSize"/> bytes.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>
    /// Its number, or 0 at the end of the pages: by then index, trailer and the checksum of the file have been checked, and
    /// that nothing follows.
    /// </returns>
    /// <exception cref="LtxFormatException">The file is damaged.</exception>
    public ValueTask<uint> ReadPageAsync(Memory<byte> page, CancellationToken cancellationToken)
    {
        if (_scanner.IsFinished)
        {
            return new ValueTask<uint>(0u);
        }

        // The common case stays synchronous: a whole page is in the buffer.
        return _scanner.TryNext() ? new ValueTask<uint>(Decode(page.Span)) : ReadPageSlowlyAsync(page, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _scanner.DisposeAsync();

    private async ValueTask<uint> ReadPageSlowlyAsync(Memory<byte> page, CancellationToken cancellationToken)
    {
        if (await _scanner.NextAsync(cancellationToken).ConfigureAwait(false))
        {
            return Decode(page.Span);
        }

        await _scanner.FinishAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }

    private uint Decode(Span<byte> page)
    {
        _scanner.Decode(page[.._scanner.Header.PageSize]);
        return _scanner.Number;
    }
}
