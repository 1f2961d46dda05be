using Litestream.Sqlite;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>What stands in a WAL: header, frame headers, checksums, positions.</summary>
public sealed class WalFormatTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_checksum_is_that_of_its_slow_twin(bool bigEndian)
    {
        var random = new Random(1);
        for (int length = 0; length <= 4096; length += length < 128 ? 8 : 904)
        {
            byte[] data = new byte[length];
            random.NextBytes(data);
            (uint S0, uint S1) start = ((uint)random.Next(), (uint)random.Next());

            WalChecksum sum = new WalChecksum(start.S0, start.S1).Append(data, bigEndian);

            Assert.Equal(WalSpecimen.Sum(start, data, bigEndian), (sum.S0, sum.S1));
        }
    }

    [Fact]
    public void A_checksum_of_an_odd_length_is_refused() =>
        Assert.Throws<ArgumentException>(() => default(WalChecksum).Append(new byte[12], bigEndian: false));

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void The_header_of_a_real_WAL_is_read(int pageSize)
    {
        WalSpecimen specimen = WalSpecimen.Make(_temporary["app.db"], pageSize);

        Assert.True(WalHeader.TryParse(specimen.Bytes, out WalHeader header));

        Assert.Equal(pageSize, header.PageSize);
        Assert.Equal(!BitConverter.IsLittleEndian, header.BigEndianChecksum);
        Assert.True(header.IsGenerationOf(specimen.End));
        Assert.False(header.IsGenerationOf(specimen.End with { Salt2 = specimen.End.Salt2 + 1 }));
        WalFrameHeader frame = WalFrameHeader.Parse(specimen.Bytes.AsSpan(specimen.Offset((int)specimen.End.MaxFrame)));
        Assert.Equal(specimen.End.PageCount, frame.CommitSize);
        Assert.Equal(new WalChecksum(specimen.End.Checksum1, specimen.End.Checksum2), frame.Checksum);
        Assert.True(frame.IsGenerationOf(specimen.End));
    }

    [Fact]
    public void A_header_with_any_bit_flipped_is_none()
    {
        WalSpecimen specimen = WalSpecimen.Make(_temporary["app.db"]);
        byte[] bytes = specimen.Bytes[..WalHeader.Size];
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] damaged = [.. bytes];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(WalHeader.TryParse(damaged, out _), $"bit {bit}");
        }

        Assert.False(WalHeader.TryParse(bytes.AsSpan(0, WalHeader.Size - 1), out _));
    }

    [Theory]
    [InlineData(8, 0u)]
    [InlineData(8, 256u)]
    [InlineData(8, 4097u)]
    [InlineData(8, 131072u)]
    [InlineData(4, 3007001u)]
    [InlineData(0, 0x377f0684u)]
    public void A_header_that_is_signed_and_says_the_impossible_is_none(int offset, uint value)
    {
        byte[] header = WalSpecimen.Make(_temporary["app.db"]).Bytes[..WalHeader.Size];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(offset), value);
        (uint S0, uint S1) sum = WalSpecimen.Sum((0, 0), header.AsSpan(0, 24), bigEndian: false);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(24), sum.S0);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(28), sum.S1);

        Assert.False(WalHeader.TryParse(header, out _));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(65536)]
    public void The_position_of_a_pin_is_the_last_commit_in_the_WAL(int pageSize)
    {
        string path = _temporary["app.db"];
        using Application application = Application.WithPages(path, pageSize);
        application.Fill(7);
        application.Commit(3);
        using DatabaseConnection connection = DatabaseConnection.Open(path, TimeSpan.Zero);
        connection.Pin();
        WalPosition first = connection.GetPosition();
        Assert.True(WalHeader.TryParse(WalSpecimen.ReadShared(path + "-wal"), out WalHeader header));

        Assert.Equal(pageSize, first.PageSize);
        Assert.True(first.HasGeneration);
        Assert.True(header.IsGenerationOf(first));
        Assert.Equal((uint)application.Query("PRAGMA page_count"), first.PageCount);
        Assert.Equal(new FileInfo(path + "-wal").Length, first.EndOffset);

        application.Commit(2);
        Assert.Equal(first, connection.GetPosition());
        connection.Unpin();
        connection.Pin();
        Assert.Equal(first.ChangeCounter + 2, connection.GetPosition().ChangeCounter);
    }

    [Fact]
    public void A_WAL_that_never_had_a_frame_has_no_generation()
    {
        string path = _temporary["app.db"];
        using (Application application = Application.WithPages(path, 1024))
        {
            application.Fill(3);
        }

        using DatabaseConnection connection = DatabaseConnection.Open(path, TimeSpan.Zero);
        connection.Pin();
        WalPosition position = connection.GetPosition();

        Assert.False(position.HasGeneration);
        Assert.Equal(0u, position.MaxFrame);
        Assert.Equal(1024, position.PageSize);
        Assert.Equal(new FileInfo(path).Length / 1024, position.PageCount);
    }

    [Theory]
    [InlineData(SQLITE_CHECKPOINT_RESTART)]
    [InlineData(SQLITE_CHECKPOINT_TRUNCATE)]
    public void A_WAL_that_was_reset_before_it_had_a_frame_has_the_sizes_of_the_file(int mode)
    {
        string path = _temporary["app.db"];
        using (Application application = Application.WithPages(path, 1024))
        {
            application.Fill(3);
        }

        using Application checkpoint = new(path, "SELECT count(*) FROM sqlite_schema");
        Assert.False(checkpoint.Checkpoint(mode).Busy);
        using DatabaseConnection connection = DatabaseConnection.Open(path, TimeSpan.Zero);
        connection.Pin();
        WalPosition position = connection.GetPosition();

        Assert.Equal(mode == SQLITE_CHECKPOINT_TRUNCATE, position.HasGeneration);
        Assert.Equal((0u, 1024), (position.MaxFrame, position.PageSize));
        Assert.Equal(checkpoint.Query("PRAGMA page_count"), position.PageCount);
    }
}
