using System.Buffers.Binary;
using K4os.Compression.LZ4.Streams;
using Litestream.Storage;

namespace Litestream.Legacy;

/// <summary>
/// Makes the database of a plan: the snapshot is written to it, then one WAL after the other is put together, proven and copied into it.
/// Nothing is believed before it has met a checksum: that of its LZ4 frame, then those of the WAL.
/// </summary>
internal sealed class LegacyRun
{
    // Segments are small and many, one a second: requests for them are made in advance.
    private const int SegmentsAhead = 8;
    private const int BufferSize = 1 << 20;
    private const int HeaderLength = 100;
    private const int PageSizeOffset = 16;

    private readonly IRawObjects _objects;
    private readonly LegacyPlan _plan;
    private readonly IImageOutput _output;
    private readonly Action<long> _progress;
    private readonly byte[] _buffer = new byte[BufferSize];
    private long _reported;

    /// <summary>Prepares.</summary>
    /// <param name="objects">The replica.</param>
    /// <param name="plan">What to read.</param>
    /// <param name="output">The database, empty.</param>
    /// <param name="progress">Told now and then how many bytes of the plan's files are read.</param>
    public LegacyRun(IRawObjects objects, LegacyPlan plan, IImageOutput output, Action<long> progress)
    {
        (_objects, _plan, _output, _progress) = (objects, plan, output, progress);
    }

    /// <summary>Page size in bytes, once the snapshot is read.</summary>
    public int PageSize { get; private set; }

    /// <summary>Bytes read from the replica.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Reads all, writes all.</summary>
    /// <param name="spoolPath">Full path of a temporary file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LegacyFormatException">A file is damaged.</exception>
    /// <exception cref="LegacyGapException">A segment is missing.</exception>
    /// <exception cref="ReplicaFileNotFoundException">The retention has removed one meanwhile.</exception>
    public async Task RunAsync(string spoolPath, CancellationToken cancellationToken)
    {
        await WriteSnapshotAsync(cancellationToken).ConfigureAwait(false);
        using WalSpool spool = new(spoolPath, PageSize);
        Queue<Task<Stream>> ahead = new();
        try
        {
            for (int i = 0; i < _plan.Segments.Count; i++)
            {
                while (ahead.Count < SegmentsAhead && i + ahead.Count < _plan.Segments.Count)
                {
                    ahead.Enqueue(_objects.OpenRawAsync(_plan.Segments[i + ahead.Count].Name, cancellationToken));
                }

                await TakeSegmentAsync(i, await ahead.Dequeue().ConfigureAwait(false), spool, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await CloseAsync(ahead).ConfigureAwait(false);
        }
    }

    private async Task WriteSnapshotAsync(CancellationToken cancellationToken)
    {
        LegacyFile file = _plan.Snapshot;
        Stream stream = await _objects.OpenRawAsync(file.Name, cancellationToken).ConfigureAwait(false);
        long length = 0;
        await foreach (int read in ReadFrameAsync(file, stream, cancellationToken).ConfigureAwait(false))
        {
            ReadOnlySpan<byte> bytes = _buffer.AsSpan(0, read);
            if (length == 0)
            {
                PageSize = PageSizeOf(bytes) ?? throw Damaged(file, "it does not hold an SQLite database");
            }

            if (bytes.ContainsAnyExcept((byte)0))
            {
                _output.Write(length, bytes);
            }

            length += read;
        }

        if (length == 0 || length % PageSize != 0)
        {
            throw Damaged(file, $"it holds {length} bytes, which are no whole pages");
        }

        _output.SetLength(length);
    }

    private async Task TakeSegmentAsync(int number, Stream stream, WalSpool spool, CancellationToken cancellationToken)
    {
        LegacyFile file = _plan.Segments[number];
        if (file.Offset == 0)
        {
            spool.Clear();
        }

        if (file.Offset != spool.Length)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw LegacyFailure.Gap(_plan.Source, file, number == 0 ? _plan.Snapshot : _plan.Segments[number - 1], _plan.LastGoodBefore(file));
        }

        await foreach (int read in ReadFrameAsync(file, stream, cancellationToken).ConfigureAwait(false))
        {
            spool.Append(_buffer.AsSpan(0, read));
        }

        LegacyFile? next = number + 1 < _plan.Segments.Count ? _plan.Segments[number + 1] : null;
        if (next is null || next.Index != file.Index)
        {
            Finish(file, next, spool, cancellationToken);
        }
    }

    /// <summary>A WAL is whole: it goes into the database.</summary>
    private void Finish(LegacyFile last, LegacyFile? next, WalSpool spool, CancellationToken cancellationToken)
    {
        if (spool.Prove(out long end, cancellationToken) is { } problem)
        {
            LegacyFile file = _plan.Segments.Last(segment => segment.Index == last.Index && (segment.Offset <= end || segment.Offset == 0));
            throw Damaged(file, problem);
        }

        // SQLite begins a WAL anew only after a commit: what comes after it was never copied.
        if (next is not null && end < spool.Length)
        {
            throw LegacyFailure.Gap(_plan.Source, next, last, _plan.LastGoodBefore(last));
        }

        spool.Apply(_output, cancellationToken);
    }

    /// <summary>Decompresses a file into the buffer, piece by piece, to the frame's checksum and the file's end.</summary>
    private async IAsyncEnumerable<int> ReadFrameAsync(
        LegacyFile file,
        Stream stream,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using LZ4DecoderStream frame = LZ4Stream.Decode(new MeteredStream(stream, Count), leaveOpen: false);
        bool any = false;
        while (true)
        {
            int read;
            try
            {
                read = await frame.ReadAtLeastAsync(_buffer, _buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not LitestreamException and not OperationCanceledException)
            {
                // The store's own errors are LitestreamExceptions; the decoder answers damage with errors of many kinds.
                throw Damaged(file, $"it is no whole LZ4 frame ({e.Message.TrimEnd('.')}); a file that was encrypted with age cannot be read", e);
            }

            if (read == 0)
            {
                break;
            }

            any = true;
            yield return read;
        }

        if (!any)
        {
            throw Damaged(file, "it is empty");
        }
    }

    private static int? PageSizeOf(ReadOnlySpan<byte> database)
    {
        if (database.Length < HeaderLength || !database.StartsWith("SQLite format 3\0"u8))
        {
            return null;
        }

        int size = BinaryPrimitives.ReadUInt16BigEndian(database[PageSizeOffset..]) is var given and not 1 ? given : 65536;
        return size >= 512 && (size & (size - 1)) == 0 ? size : null;
    }

    private static async Task CloseAsync(Queue<Task<Stream>> ahead)
    {
        while (ahead.TryDequeue(out Task<Stream>? next))
        {
            // What fails here was never wanted: the first failure is on its way to the caller.
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (next.IsCompletedSuccessfully)
            {
                await (await next.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private LegacyFormatException Damaged(LegacyFile file, string problem, Exception? cause = null) =>
        LegacyFailure.Damaged(_plan.Source, file, problem, _plan.LastGoodBefore(file), cause);

    private void Count(int bytes)
    {
        BytesRead += bytes;
        if (BytesRead - _reported >= BufferSize || BytesRead == _plan.Bytes)
        {
            _reported = BytesRead;
            _progress(BytesRead);
        }
    }
}
