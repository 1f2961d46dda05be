namespace Litestream.Ltx;

/// <summary>
/// Reads replica files run by run: one thread goes through a file and chooses pages, several decompress them and do something with them, and
/// the checksums meet again in the order of the file. Does the same as <see cref="LtxDecoder"/>, on all cores.
/// </summary>
/// <remarks>Memory: about a megabyte for each run, and there are two more of them than cores, eight at most.</remarks>
internal sealed class LtxRunReader
{
    private const int MaxRuns = 8;

    // Below this a page or two are decompressed sooner than another thread has begun.
    private const int WorthAThread = 64 * 1024;

    private static readonly int Runs = Math.Min(Environment.ProcessorCount + 2, MaxRuns);

    private readonly Action<LtxPageRun>? _work;
    private readonly Action<LtxPageRun>? _inOrder;
    private readonly bool _needsChecksums;
    private readonly List<LtxPageRun> _runs = [];
    private readonly Stack<LtxPageRun> _free = new();
    private readonly Queue<(LtxPageRun Run, Task Decoded)> _decoding = new();

    /// <summary>Prepares.</summary>
    /// <param name="work">Done with each run when it is decompressed, several at once, in any order. May be null.</param>
    /// <param name="inOrder">Done after that, one run at a time, in the order of the file. May be null.</param>
    /// <param name="needsChecksums">Whether the checksums of wanted pages are needed.</param>
    public LtxRunReader(Action<LtxPageRun>? work = null, Action<LtxPageRun>? inOrder = null, bool needsChecksums = false)
    {
        _work = work;
        _inOrder = inOrder;
        _needsChecksums = needsChecksums;
    }

    /// <summary>
    /// Reads a file from its first page to its end. On return all of it is done and all checks were met; if it fails, nothing is being
    /// done any more.
    /// </summary>
    /// <param name="scanner">The file, just opened.</param>
    /// <param name="isWanted">Whether a page's content is; asked once for each page, in order.</param>
    /// <param name="progress">Told now and then how many bytes of the file were passed; may be null.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="LtxFormatException">The file is damaged; what was done with its pages is of no use.</exception>
    public async Task ReadAsync(LtxScanner scanner, Func<uint, bool> isWanted, Action<long>? progress, CancellationToken cancellationToken)
    {
        try
        {
            await ReadPagesAsync(scanner, isWanted, progress, cancellationToken).ConfigureAwait(false);
            await scanner.FinishAsync(cancellationToken).ConfigureAwait(false);
            progress?.Invoke(scanner.Position);
        }
        catch
        {
            await GiveUpAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ReadPagesAsync(LtxScanner scanner, Func<uint, bool> isWanted, Action<long>? progress, CancellationToken cancellationToken)
    {
        LtxPageRun run = await TakeAsync(scanner).ConfigureAwait(false);
        while (scanner.TryNext() || await scanner.NextAsync(cancellationToken).ConfigureAwait(false))
        {
            run.Add(scanner, isWanted(scanner.Number));
            if (!run.HasRoom)
            {
                Decode(run, scanner.Position);
                progress?.Invoke(scanner.Position);
                run = await TakeAsync(scanner).ConfigureAwait(false);
            }
        }

        Decode(run, scanner.Position);
        while (_decoding.Count > 0)
        {
            await AcceptAsync(scanner).ConfigureAwait(false);
        }
    }

    // What failed is being reported; the others only have to come to their end.
    private async Task GiveUpAsync()
    {
        while (_decoding.TryDequeue(out (LtxPageRun Run, Task Decoded) next))
        {
            await next.Decoded.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _free.Clear();
        _runs.ForEach(_free.Push);
    }

    private async ValueTask<LtxPageRun> TakeAsync(LtxScanner scanner)
    {
        if (_free.Count == 0 && _runs.Count == Runs)
        {
            await AcceptAsync(scanner).ConfigureAwait(false);
        }

        if (!_free.TryPop(out LtxPageRun? run))
        {
            run = new LtxPageRun();
            _runs.Add(run);
        }

        run.Begin(scanner, _needsChecksums);
        return run;
    }

    private void Decode(LtxPageRun run, long position)
    {
        if (position < WorthAThread)
        {
            Work(run);
            _decoding.Enqueue((run, Task.CompletedTask));
        }
        else
        {
            _decoding.Enqueue((run, Task.Run(() => Work(run))));
        }
    }

    private void Work(LtxPageRun run)
    {
        run.Decode();
        _work?.Invoke(run);
    }

    private async ValueTask AcceptAsync(LtxScanner scanner)
    {
        (LtxPageRun run, Task decoded) = _decoding.Peek();
        await decoded.ConfigureAwait(false);
        _decoding.Dequeue();
        run.AppendTo(scanner);
        _inOrder?.Invoke(run);
        _free.Push(run);
    }
}
