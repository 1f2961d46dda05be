using System.Buffers;
using System.Globalization;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Restoration;

/// <summary>A real replica in a folder, made file by file.</summary>
internal sealed class ReplicaFolder(string path)
{
    internal string Path { get; } = path;

    /// <summary>Page size of the files that are written.</summary>
    internal int PageSize { get; set; } = 512;

    /// <summary>How much later than usual the files were captured.</summary>
    internal TimeSpan Later { get; set; }

    /// <summary>Writes a file of pages that are filled with one byte each.</summary>
    internal string Write(int level, ulong min, ulong max, uint commit, params (uint Number, byte Fill)[] pages) =>
        Write(level, min, max, commit, [.. pages.Select(page => (page.Number, Fill(page.Fill)))]);

    /// <summary>Writes a file.</summary>
    internal string Write(int level, ulong min, ulong max, uint commit, IEnumerable<(uint Number, byte[] Page)> pages)
    {
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, new LtxHeader
        {
            Flags = LtxHeader.NoChecksumFlag,
            PageSize = PageSize,
            Commit = commit,
            MinTxid = min,
            MaxTxid = max,
            Timestamp = (Time(max) + Later).ToUnixTimeMilliseconds(),
        });
        foreach ((uint number, byte[] page) in pages)
        {
            encoder.WritePage(number, page);
        }

        encoder.Finish();
        return Put(level, min, max, output.WrittenSpan.ToArray());
    }

    /// <summary>Writes a database as the full image of transactions 1 to <paramref name="max"/>.</summary>
    internal string WriteImage(ulong max, byte[] database)
    {
        uint commit = (uint)(database.Length / PageSize);
        return Write(9, 1, max, commit, Pages(database, PageSize));
    }

    /// <summary>Puts any bytes under a replica file's name.</summary>
    internal string Put(int level, ulong min, ulong max, byte[] content)
    {
        string file = FilePath(level, min, max);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
        File.SetLastWriteTimeUtc(file, (Time(max) + Later).UtcDateTime);
        return file;
    }

    internal string FilePath(int level, ulong min, ulong max) => System.IO.Path.Combine(
        Path, "ltx", level.ToString(CultureInfo.InvariantCulture), new LtxFileName(min, max).ToString());

    internal static DateTimeOffset Time(ulong txid) => DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000 + (long)txid);

    internal static IEnumerable<(uint Number, byte[] Page)> Pages(byte[] database, int pageSize) =>
        database.Chunk(pageSize).Select((page, i) => ((uint)i + 1, page));

    private byte[] Fill(byte value) => [.. Enumerable.Repeat(value, PageSize)];
}
