using System.Buffers;
using Litestream.Ltx;

namespace Litestream.Tests.Unit.Ltx;

/// <summary>Files whose every byte, or whose checksum, is known from elsewhere.</summary>
public class GoldenFileTests
{
    private const string Head = "4c54583100000002000002000000000300000000000000020000000000000002"
        + "00000198c2b6977800000000000000000000000000000020" + "00000000000002181a2b3c4d5e6f7081"
        + "0000000000000000" + "0000000000000000000000000000000000000000";

    private const string Block = "1f410100ec1f000100e7500000000000";
    private const string Tail = "00" + "0000000000000004" + "0000000000000000";

    internal static readonly byte[] BlockFile = Convert.FromHexString(
        Head + "000000030001" + "00000010" + Block + "000000000000" + "03641a" + Tail + "e67f54e89284ae0e");

    internal static readonly byte[] FrameFile = Convert.FromHexString(
        Head + "000000030000" + "04224d186440a7" + "10000000" + Block + "00000000" + "d99eca88"
        + "000000000000" + "036429" + Tail + "e7d2bb5bc232414c");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Annotated_file_is_read(bool frame)
    {
        byte[] file = frame ? FrameFile : BlockFile;
        Assert.Equal(frame ? 175 : 160, file.Length);
        LtxReading.Content content = await LtxReading.ReadAsync(file);

        Assert.Equal(
            new LtxHeader
            {
                Flags = LtxHeader.NoChecksumFlag,
                PageSize = 512,
                Commit = 3,
                MinTxid = 2,
                MaxTxid = 2,
                Timestamp = 1755613403000,
                WalOffset = 32,
                WalSize = 536,
                WalSalt1 = 0x1a2b3c4d,
                WalSalt2 = 0x5e6f7081,
            },
            content.Header);
        (uint number, byte[] page) = Assert.Single(content.Pages);
        Assert.Equal(3u, number);
        Assert.Equal([.. LtxSpecimen.Repeat((byte)'A', 256), .. LtxSpecimen.Repeat(0, 256)], page);
        Assert.Equal(frame ? 0xe7d2bb5bc232414c : 0xe67f54e89284ae0e, content.Trailer.FileChecksum);
        Assert.Equal(0ul, content.Trailer.PostApplyChecksum);
    }

    [Fact]
    public async Task Annotated_file_is_written_again()
    {
        LtxReading.Content content = await LtxReading.ReadAsync(BlockFile);
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, content.Header);
        encoder.WritePage(3, content.Pages[0].Page);
        LtxTrailer trailer = encoder.Finish();

        Assert.Equal(encoder.Length, output.WrittenCount);
        Assert.Equal(BlockFile[..0x6a], output.WrittenSpan[..0x6a].ToArray());
        Assert.Equal(content.Header, (await LtxReading.ReadAsync(output.WrittenSpan.ToArray())).Header);

        // Here our compressor takes as many bytes as the annotated file's, so that all checksummed bytes are the same.
        Assert.Equal(BlockFile.Length, output.WrittenCount);
        Assert.Equal(new LtxTrailer(0, 0xe67f54e89284ae0e), trailer);
    }

    [Fact]
    public async Task Checksummed_snapshot_of_ltx_tests_meets_file_and_database_checksum()
    {
        byte[] file = Frames(1, 2, 3, 2000, 0, 0x8a249272ad9f7dea, (1, 0x91), (2, 0x82), (3, 0x93));
        LtxReading.Content content = await LtxReading.ReadAsync(file);
        Assert.Equal(new LtxTrailer(0x8a249272ad9f7dea, 0xe836ad7ac0be7594), content.Trailer);
        Assert.Equal([1u, 2u, 3u], content.Pages.Select(p => p.Number));
        Assert.Equal(LtxSpecimen.Repeat(0x82, 1024), content.Pages[1].Page);
    }

    [Fact]
    public async Task Checksummed_increments_of_ltx_tests_meet_their_checksum()
    {
        const ulong flag = PageChecksum.Flag;
        byte[] merged = Frames(2, 9, 5, 3000, flag | 2, flag | 9, (1, 0x91), (2, 0xa2), (3, 0xa3), (5, 0xa5));
        Assert.Equal(0xc08218012f50038e, (await LtxReading.ReadAsync(merged)).Trailer.FileChecksum);
        byte[] shrunk = Frames(2, 5, 2, 2000, flag | 2, flag | 5, (1, 0x91));
        Assert.Equal(0x83c62dde98efed0f, (await LtxReading.ReadAsync(shrunk)).Trailer.FileChecksum);
    }

    [Fact]
    public async Task Snapshot_whose_pages_do_not_meet_the_database_checksum_is_refused()
    {
        byte[] file = Frames(1, 2, 3, 2000, 0, 0x8a249272ad9f7deb, (1, 0x91), (2, 0x82), (3, 0x93));
        LtxFormatException e = await LtxReading.FailsAsync(file);
        Assert.Equal(file.Length - 16, e.Offset);
    }

    [Fact]
    public async Task File_of_the_time_before_the_page_index_is_refused()
    {
        // Late 2022: the same magic, four-byte page headers, uncompressed pages.
        byte[] file = new byte[12420];
        Frames(13, 13, 10, 0, PageChecksum.Flag | 1, PageChecksum.Flag | 1)[..100].CopyTo(file, 0);
        Convert.FromHexString("00000001").CopyTo(file, 100);
        "SQLite format 3"u8.CopyTo(file.AsSpan(104));
        LtxFormatException e = await LtxReading.FailsAsync(file);
        Assert.Equal(104, e.Offset);
    }

    // With the frames of 45 bytes that ltx 0.5.1 made of these pages, so that the index is the same.
    private static byte[] Frames(
        ulong min, ulong max, uint commit, long timestamp, ulong pre, ulong post, params (uint Number, byte Fill)[] pages) =>
        new LtxSpecimen
        {
            Flags = 0,
            PageSize = 1024,
            Commit = commit,
            MinTxid = min,
            MaxTxid = max,
            Timestamp = timestamp,
            PreApply = pre,
            PostApply = post,
            Frames = true,
            Compress = LtxSpecimen.RunOfOneByte,
            Pages = [.. pages.Select(p => (p.Number, LtxSpecimen.Repeat(p.Fill, 1024)))],
        }.ToBytes();
}
