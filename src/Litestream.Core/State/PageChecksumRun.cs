namespace Litestream.State;

/// <summary>Collects checksums that come page after page and writes them to a table in large pieces.</summary>
/// <param name="table">A table that is being made.</param>
internal sealed class PageChecksumRun(PageChecksumTable table)
{
    private readonly ulong[] _run = new ulong[4096];
    private uint _first = 1;
    private int _length;

    /// <summary>Takes the checksum of a page; cheapest when pages come in ascending order.</summary>
    /// <param name="page">The page number.</param>
    /// <param name="checksum">Its checksum.</param>
    public void Add(uint page, ulong checksum)
    {
        if (_length == _run.Length || page != _first + (uint)_length)
        {
            Flush();
            _first = page;
        }

        _run[_length++] = checksum;
    }

    /// <summary>Writes what is still held.</summary>
    public void Flush()
    {
        table.WriteRange(_first, _run.AsSpan(0, _length));
        _length = 0;
    }
}
