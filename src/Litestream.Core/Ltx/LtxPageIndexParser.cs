namespace Litestream.Ltx;

/// <summary>Checks an index piece by piece: numbers ascending, pages end to end from the header to the index, sizes sane.</summary>
internal sealed class LtxPageIndexParser
{
    private const int MaxShift = 63;

    private readonly LtxHeader _header;
    private readonly string _file;
    private readonly long _start;
    private readonly long _length;
    private readonly int _maxPageLength;
    private readonly PageExtents _pages = new();
    private long _at;
    private long _entryAt;
    private ulong _value;
    private int _shift;
    private int _field;
    private ulong _number;
    private ulong _offset;
    private bool _terminated;

    /// <summary>Prepares for an index.</summary>
    /// <param name="header">The file's header.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="start">Where the index begins in the file.</param>
    /// <param name="length">Its length with the terminator.</param>
    internal LtxPageIndexParser(in LtxHeader header, string file, long start, long length)
    {
        _header = header;
        _file = file;
        _start = start;
        _length = length;
        _maxPageLength = LtxPageFormat.MaxPageLength(header.PageSize);
    }

    /// <summary>Takes the next bytes.</summary>
    internal void Append(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (_terminated)
            {
                throw Fail(_at, "its index goes on after its end");
            }

            if (_shift >= MaxShift)
            {
                throw Fail(_at, "a number in its index is too large");
            }

            _value |= (ulong)(b & 0x7F) << _shift;
            _shift += 7;
            _at++;
            if (b < 0x80)
            {
                TakeField(_value);
                _value = 0;
                _shift = 0;
            }
        }
    }

    /// <summary>Gives the index once all bytes were taken.</summary>
    internal LtxPageIndex Finish()
    {
        if (!_terminated || _at != _length)
        {
            throw Fail(_at, "it ends within its index");
        }

        return _pages.End + LtxPageFormat.PageHeaderLength == _start
            ? new LtxPageIndex(_pages)
            : throw Fail(_at, "its index does not reach to the end of its pages");
    }

    private void TakeField(ulong value)
    {
        switch (_field)
        {
            case 0 when value == 0:
                _terminated = true;
                return;
            case 0:
                _number = value;
                break;
            case 1:
                _offset = value;
                break;
            default:
                TakeEntry(value);
                break;
        }

        _field = (_field + 1) % 3;
        if (_field == 0)
        {
            _entryAt = _at;
        }
    }

    private void TakeEntry(ulong size)
    {
        if (_number > uint.MaxValue || !_header.Admits((uint)_number) || _number <= _pages.LastPage)
        {
            throw Fail(_entryAt, $"page {_number} follows page {_pages.LastPage} in its index");
        }

        if (_offset != (ulong)_pages.End)
        {
            throw Fail(_entryAt, $"page {_number} is not where the page before it ends");
        }

        if (size < LtxPageFormat.MinPageLength
            || size > (ulong)_maxPageLength
            || (long)size > _start - LtxPageFormat.PageHeaderLength - _pages.End)
        {
            throw Fail(_entryAt, $"page {_number} cannot take {size} bytes");
        }

        _pages.Append((uint)_number, (int)size);
    }

    private LtxFormatException Fail(long at, string problem) => new(_file, _start + at, problem);
}
