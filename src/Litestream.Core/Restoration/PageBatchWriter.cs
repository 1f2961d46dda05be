using System.Threading.Channels;
using Litestream.State;

namespace Litestream.Restoration;

/// <summary>
/// Writes decoded pages to the file on a thread of its own, so that reading and decompressing go on meanwhile. A fixed number
/// of batches goes round between the two.
/// </summary>
internal sealed class PageBatchWriter : IAsyncDisposable
{
    private const int Batches = 4;

    private readonly Channel<PageBatch> _full = Channel.CreateBounded<PageBatch>(Batches);
    private readonly Channel<PageBatch> _empty = Channel.CreateBounded<PageBatch>(Batches);
    private readonly RestoringFile _file;
    private readonly LocalStateSeed? _seed;
    private readonly int _pageSize;
    private readonly Task _writing;

    /// <summary>Begins to wait for pages.</summary>
    /// <param name="file">Where they go.</param>
    /// <param name="seed">Told of every page, or null.</param>
    /// <param name="pageSize">Page size in bytes.</param>
    internal PageBatchWriter(RestoringFile file, LocalStateSeed? seed, int pageSize)
    {
        _file = file;
        _seed = seed;
        _pageSize = pageSize;
        for (int i = 0; i < Batches; i++)
        {
            _empty.Writer.TryWrite(new PageBatch(pageSize));
        }

        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>Takes an empty batch, waiting until one has been written.</summary>
    /// <exception cref="LitestreamException">The writer has failed.</exception>
    internal async ValueTask<PageBatch> TakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _empty.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _writing.ConfigureAwait(false); // throws why
            throw;
        }
    }

    /// <summary>Hands a batch over to be written. There is always room: no more batches exist.</summary>
    internal void Give(PageBatch batch) => _full.Writer.TryWrite(batch);

    /// <summary>Waits until everything is written.</summary>
    /// <exception cref="LitestreamException">The writer has failed.</exception>
    internal Task FinishAsync()
    {
        _full.Writer.TryComplete();
        return _writing;
    }

    /// <summary>Ends the writing; what is on its way then is of no use. Its failure was reported, or another one is.</summary>
    public async ValueTask DisposeAsync()
    {
        _full.Writer.TryComplete();
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WriteAllAsync()
    {
        try
        {
            await foreach (PageBatch batch in _full.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                WriteRuns(batch);
                batch.Clear();
                _empty.Writer.TryWrite(batch);
            }
        }
        finally
        {
            _empty.Writer.TryComplete();
        }
    }

    // Neighbouring pages are written at once. Pages of zeros are left out: the file is made of zeros.
    private void WriteRuns(PageBatch batch)
    {
        int start = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            ReadOnlySpan<byte> page = batch.Pages(i, 1);
            _seed?.Note(batch.Number(i), page);
            if (!page.ContainsAnyExcept((byte)0))
            {
                WriteRun(batch, start, i);
                start = i + 1;
            }
            else if (i > start && batch.Number(i) != batch.Number(i - 1) + 1)
            {
                WriteRun(batch, start, i);
                start = i;
            }
        }

        WriteRun(batch, start, batch.Count);
    }

    private void WriteRun(PageBatch batch, int start, int end)
    {
        if (end > start)
        {
            _file.Write((batch.Number(start) - 1L) * _pageSize, batch.Pages(start, end - start));
        }
    }
}
