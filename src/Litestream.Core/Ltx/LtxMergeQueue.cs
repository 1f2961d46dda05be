using System.Buffers;

namespace Litestream.Ltx;

/// <summary>The pages of several files in ascending order, each only from the newest file that holds it.</summary>
internal sealed class LtxMergeQueue : IDisposable
{
    private readonly IReadOnlyList<LtxDecoder> _inputs;
    private readonly byte[][] _pages;

    // How many pages each input has added beyond the size that the one before it left.
    private readonly long[] _added;

    // Ordered by page number, then the newest input first.
    private readonly PriorityQueue<int, (uint Page, int Age)> _next = new();
    private readonly uint _commit;
    private bool _started;
    private uint _page;
    private int _source = -1;

    internal LtxMergeQueue(IReadOnlyList<LtxDecoder> inputs)
    {
        _inputs = inputs;
        _commit = inputs[^1].Header.Commit;
        _added = new long[inputs.Count];
        _pages = new byte[inputs.Count][];
        for (int i = 0; i < _pages.Length; i++)
        {
            _pages[i] = ArrayPool<byte>.Shared.Rent(inputs[i].Header.PageSize);
        }
    }

    /// <summary>Steps to the next page; false when all inputs were read to their ends and all checks were met.</summary>
    internal async ValueTask<bool> TryNextAsync(CancellationToken cancellationToken)
    {
        if (!_started)
        {
            _started = true;
            for (int i = 0; i < _inputs.Count; i++)
            {
                await ReadAsync(i, cancellationToken).ConfigureAwait(false);
            }
        }
        else if (_source >= 0)
        {
            int source = _source;
            _source = -1;
            await ReadAsync(source, cancellationToken).ConfigureAwait(false);
        }

        while (_next.TryPeek(out int input, out (uint Page, int Age) key))
        {
            _next.Dequeue();
            if (key.Page > _page && key.Page <= _commit)
            {
                (_page, _source) = (key.Page, input);
                return true;
            }

            // An older image, or cut off: read all the same, so that every file's checksum is met.
            await ReadAsync(input, cancellationToken).ConfigureAwait(false);
        }

        CheckGrowth();
        return false;
    }

    /// <summary>Writes the page, without compressing it anew where it already is as the output needs it.</summary>
    internal void WriteTo(LtxEncoder encoder)
    {
        LtxDecoder input = _inputs[_source];
        ReadOnlySpan<byte> page = _pages[_source].AsSpan(0, input.Header.PageSize);
        ReadOnlySpan<byte> encoded = input.EncodedPage;
        if (encoded.IsEmpty)
        {
            encoder.WritePage(_page, page);
        }
        else
        {
            encoder.WriteEncodedPage(_page, page, encoded);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (byte[] page in _pages)
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    private async ValueTask ReadAsync(int input, CancellationToken cancellationToken)
    {
        uint page = await _inputs[input].ReadPageAsync(_pages[input], cancellationToken).ConfigureAwait(false);
        if (page == 0)
        {
            return;
        }

        if (input > 0 && page > _inputs[input - 1].Header.Commit)
        {
            _added[input]++;
        }

        _next.Enqueue(input, (page, _inputs.Count - input));
    }

    private void CheckGrowth()
    {
        for (int i = 1; i < _inputs.Count; i++)
        {
            LtxHeader before = _inputs[i - 1].Header;
            LtxHeader header = _inputs[i].Header;
            if (header.Commit > before.Commit && _added[i] != header.PagesOfFullImage - before.PagesOfFullImage)
            {
                throw new LtxFormatException(
                    _inputs[i].File,
                    0x0C,
                    $"it makes the database {header.Commit} pages large, yet does not hold all pages after page {before.Commit}");
            }
        }
    }
}
