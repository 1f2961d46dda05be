namespace Litestream.Ltx;

/// <summary>
/// The pages of one file in the order in which they stand there, in about two bytes a page: pages lie end to end, so only
/// sizes and the jumps between page numbers are kept. A database of 100 GB stays under 60 MB.
/// </summary>
internal sealed class PageExtents
{
    private const int FirstPartLength = 512;
    private const int PartLength = 4 * 1024; // what a search walks through
    private const int MaxEntryLength = 10; // two varints of 32 bits

    private readonly List<Part> _parts = [];
    private uint _lastPage;
    private long _end = LtxHeader.Length;

    /// <summary>How many pages.</summary>
    internal long Count { get; private set; }

    /// <summary>The last page's number; 0 if there is none.</summary>
    internal uint LastPage => _lastPage;

    /// <summary>Where the next page would begin.</summary>
    internal long End => _end;

    /// <summary>Adds the next page.</summary>
    /// <param name="pageNumber">Above the last one.</param>
    /// <param name="size">Bytes that it takes, page header included.</param>
    internal void Append(uint pageNumber, int size)
    {
        Part? part = _parts.Count > 0 ? _parts[^1] : null;
        if (part is null || part.Used + MaxEntryLength > part.Bytes.Length)
        {
            part = new Part(new byte[_parts.Count == 0 ? FirstPartLength : PartLength], _lastPage, _end);
            _parts.Add(part);
        }

        uint jump = pageNumber - _lastPage;
        Span<byte> free = part.Bytes.AsSpan(part.Used);
        int used = LtxPageFormat.WriteVarint(free, ((uint)size << 1) | (jump == 1 ? 0u : 1u));
        if (jump != 1)
        {
            used += LtxPageFormat.WriteVarint(free[used..], jump);
        }

        part.Used += used;
        _lastPage = pageNumber;
        _end += size;
        Count++;
    }

    /// <summary>Walks over all pages in order.</summary>
    internal Walker Walk() => new(this, 0);

    /// <summary>Walks from a place at or before this page.</summary>
    internal Walker WalkNear(uint pageNumber)
    {
        int low = 0;
        int high = _parts.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_parts[middle].PageBefore < pageNumber)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return new Walker(this, low);
    }

    private sealed class Part(byte[] bytes, uint pageBefore, long offset)
    {
        internal readonly byte[] Bytes = bytes;
        internal readonly uint PageBefore = pageBefore;
        internal readonly long Offset = offset;
        internal int Used;
    }

    /// <summary>A place in the list.</summary>
    internal struct Walker
    {
        private readonly PageExtents _extents;
        private int _part;
        private int _at;
        private uint _page;
        private long _offset;

        internal Walker(PageExtents extents, int part)
        {
            _extents = extents;
            _part = part;
            if (part < extents._parts.Count)
            {
                _page = extents._parts[part].PageBefore;
                _offset = extents._parts[part].Offset;
            }
        }

        /// <summary>Steps to the next page; false after the last.</summary>
        internal bool TryNext(out LtxPageIndexEntry entry)
        {
            if (_part < _extents._parts.Count && _at == _extents._parts[_part].Used)
            {
                _part++;
                _at = 0;
            }

            if (_part >= _extents._parts.Count)
            {
                entry = default;
                return false;
            }

            byte[] bytes = _extents._parts[_part].Bytes;
            uint token = ReadVarint(bytes);
            _page += (token & 1) == 0 ? 1 : ReadVarint(bytes);
            int size = (int)(token >> 1);
            entry = new LtxPageIndexEntry(_page, _offset, size);
            _offset += size;
            return true;
        }

        private uint ReadVarint(byte[] bytes)
        {
            uint value = 0;
            int shift = 0;
            byte b;
            do
            {
                b = bytes[_at++];
                value |= (uint)(b & 0x7F) << shift;
                shift += 7;
            }
            while (b >= 0x80);
            return value;
        }
    }
}
