using System.Runtime.CompilerServices;

namespace Litestream.Ltx;

/// <summary>
/// Consecutive pages of one file, half a megabyte of them: gathered by one thread, decompressed by another. Of the pages that are not wanted
/// only the checksums are computed.
/// </summary>
internal sealed class LtxPageRun
{
    private const int Bytes = 512 * 1024;

    private readonly byte[] _encoded = GC.AllocateUninitializedArray<byte>(Bytes);
    private readonly byte[] _pages = GC.AllocateUninitializedArray<byte>(Bytes);
    private readonly byte[] _unwanted = GC.AllocateUninitializedArray<byte>(LtxHeader.MaxPageSize);
    private readonly List<(uint Number, int Start, int Length, bool Wanted)> _entries = [];
    private readonly List<(uint Number, ulong Checksum)> _wanted = [];
    private int _pageSize;
    private int _used;
    private int _wantedCount;
    private long _fileStart;
    private bool _needsChecksums;
    private Crc64 _crc;
    private long _length;
    private ulong _combined;
    private int _failed = -1;

    /// <summary>How many pages are wanted.</summary>
    public int Count => _wanted.Count;

    /// <summary>Whether it holds nothing.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Size in bytes of each page.</summary>
    public int PageSize => _pageSize;

    /// <summary>A wanted page's number; ascending.</summary>
    /// <param name="index">0 to <see cref="Count"/> less one.</param>
    public uint Number(int index) => _wanted[index].Number;

    /// <summary>A wanted page's checksum (<see cref="PageChecksum"/>), if those were asked for.</summary>
    /// <param name="index">0 to <see cref="Count"/> less one.</param>
    public ulong Checksum(int index) => _wanted[index].Checksum;

    /// <summary>Some wanted pages.</summary>
    /// <param name="index">The first.</param>
    /// <param name="count">How many.</param>
    public ReadOnlySpan<byte> Pages(int index, int count) => _pages.AsSpan(index * _pageSize, count * _pageSize);

    /// <summary>Empties it, for pages of a file.</summary>
    /// <param name="scanner">The file.</param>
    /// <param name="needsChecksums">Whether those of the wanted pages are needed.</param>
    public void Begin(LtxScanner scanner, bool needsChecksums)
    {
        _pageSize = scanner.Header.PageSize;
        _needsChecksums = needsChecksums || scanner.NeedsPageChecksums;
        _entries.Clear();
        _wanted.Clear();
        (_used, _wantedCount, _fileStart, _failed) = (0, 0, scanner.Position, -1);
    }

    /// <summary>Whether there is room for another page, however large.</summary>
    public bool HasRoom =>
        _used + LtxPageFormat.MaxPageLength(_pageSize) <= Bytes && (_wantedCount + 1) * _pageSize <= Bytes;

    /// <summary>Takes the scanner's present page.</summary>
    /// <param name="scanner">Its file.</param>
    /// <param name="wanted">Whether its content is.</param>
    public void Add(LtxScanner scanner, bool wanted)
    {
        ReadOnlySpan<byte> encoded = scanner.Encoded;
        encoded.CopyTo(_encoded.AsSpan(_used));
        _entries.Add((scanner.Number, _used, encoded.Length, wanted));
        _used += encoded.Length;
        _wantedCount += wanted ? 1 : 0;
    }

    /// <summary>Decompresses all pages and computes what the checksums need. What fails is told by <see cref="AppendTo"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode()
    {
        (_crc, _length, _combined) = (default, 0, 0);
        for (int i = 0; i < _entries.Count; i++)
        {
            (uint number, int start, int length, bool wanted) = _entries[i];
            ReadOnlySpan<byte> encoded = _encoded.AsSpan(start, length);
            Span<byte> page = wanted ? _pages.AsSpan(_wanted.Count * _pageSize, _pageSize) : _unwanted.AsSpan(0, _pageSize);
            if (!LtxPageFormat.TryDecode(encoded, page))
            {
                _failed = i;
                return;
            }

            ReadOnlySpan<byte> header = LtxPageFormat.CheckedHeader(encoded);
            _crc.Append(header);
            _crc.Append(page);
            _length += header.Length + page.Length;
            ulong checksum = _needsChecksums ? PageChecksum.Compute(number, page) : 0;
            _combined ^= checksum;
            if (wanted)
            {
                _wanted.Add((number, checksum));
            }
        }
    }

    /// <summary>Hands in what the checksums of the file need. In the order of the file, once decoded.</summary>
    /// <param name="scanner">Its file.</param>
    /// <exception cref="LtxFormatException">A page could not be decompressed.</exception>
    public void AppendTo(LtxScanner scanner)
    {
        if (_failed >= 0)
        {
            throw scanner.Undecodable(_fileStart + _entries[_failed].Start, _entries[_failed].Number);
        }

        scanner.Append(_crc, _length, _combined);
    }
}
