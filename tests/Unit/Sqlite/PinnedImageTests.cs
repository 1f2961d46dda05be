using Litestream.Sqlite;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>One consistent image of a live database: the file as it is once everything up to the pin was copied into it.</summary>
public sealed class PinnedImageTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Database => _temporary["app.db"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(32768)]
    [InlineData(65536)]
    public void It_is_the_file_after_a_full_checkpoint(int pageSize)
    {
        using Application application = Application.WithPages(Database, pageSize, "PRAGMA auto_vacuum=full;");
        application.Fill(30);
        application.Checkpoint();
        application.Commit(3);
        application.Execute("DELETE FROM t WHERE id BETWEEN 5 AND 12");
        using PinnedImage image = PinnedImage.Open(Database, TimeSpan.Zero);
        byte[] pinned = ImageReading.ReadAll(image);

        (_, int log, int copied) = application.Checkpoint();
        Assert.Equal(log, copied);
        Assert.Equal(FileBytes(), pinned);
        Assert.Equal(pinned, ImageReading.ReadAll(image, piece: 100));

        application.Execute("UPDATE t SET b=zeroblob(5000)");
        application.Checkpoint();
        Assert.Equal(pinned, ImageReading.ReadAll(image));
    }

    [Fact]
    public void In_mark_0_a_reset_under_it_changes_nothing()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(30);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        pins.Checkpoint();
        pins.Leap();
        using PinnedImage image = PinnedImage.Of(pins.Pinned);
        byte[] before = new byte[5 * 4096];
        image.ReadPages(1, before);

        application.Execute("UPDATE t SET b=zeroblob(4000)");
        (_, int log, int copied) = application.Checkpoint();

        Assert.Equal((30, 0), (Math.Min(log, 30), copied));
        WalHeader header = ReadHeader();
        Assert.False(header.IsGenerationOf(image.Position), "The WAL was not reset, so the test shows nothing.");
        byte[] pages = ImageReading.ReadAll(image);
        Assert.Equal(before, pages[..before.Length]);
        using PinnedImage again = PinnedImage.Of(pins.Pinned);
        Assert.Equal(pages, ImageReading.ReadAll(again));
        Assert.Equal(pages, FileBytes());
    }

    [Fact]
    public void In_marks_1_to_4_each_image_stays_what_it_was()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(5);
        List<(PinnedImage Image, byte[] Bytes)> images = [];
        for (int i = 0; i < 4; i++)
        {
            application.Execute("UPDATE t SET b=randomblob(4000)");
            application.Commit();
            PinnedImage image = PinnedImage.Open(Database, TimeSpan.Zero);
            images.Add((image, ImageReading.ReadAll(image)));
        }

        application.Execute("DELETE FROM t; VACUUM");
        application.Checkpoint();
        foreach ((PinnedImage image, byte[] bytes) in images)
        {
            Assert.Equal(bytes, ImageReading.ReadAll(image));
            Check(bytes, rows: 5 + images.IndexOf((image, bytes)) + 1);
        }

        images.ForEach(pair => pair.Image.Dispose());
    }

    [Fact]
    public void It_advances_to_a_later_commit()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(10);
        using PinnedImage image = PinnedImage.Open(Database, TimeSpan.Zero);
        application.Commit(3);
        WalPosition later = Look();
        byte[] expected = Pages();
        application.Commit(2);

        Assert.True(image.TryAdvance(later));
        Assert.Equal(expected, ImageReading.ReadAll(image));
        Assert.False(image.TryAdvance(later with { Checksum2 = later.Checksum2 + 1 }));
    }

    [Fact]
    public void In_mark_0_it_advances_over_a_reset()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(10);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        pins.Checkpoint();
        pins.Leap();
        using PinnedImage image = PinnedImage.Of(pins.Pinned);
        application.Commit(4);
        WalPosition next = Look();
        Assert.False(next.SameGeneration(image.Position), "The WAL was not reset, so the test shows nothing.");

        Assert.True(image.TryAdvance(next));
        Assert.Equal(Pages(), ImageReading.ReadAll(image));
    }

    [Fact]
    public void A_page_that_was_dropped_from_the_file_by_a_checkpoint_is_not_taken_from_an_old_frame()
    {
        using Application application = Application.WithPages(Database, 4096, "PRAGMA auto_vacuum=incremental;");
        application.Fill(20);
        application.Execute("DELETE FROM t; PRAGMA incremental_vacuum");
        using PinnedImage reader = PinnedImage.Open(Database, TimeSpan.Zero); // keeps the WAL from being reset
        (_, int log, int copied) = application.Checkpoint();
        Assert.Equal(log, copied);

        // Grows by pages that SQLite never writes, since they are free again before the commit.
        application.Execute("BEGIN; INSERT INTO t(b) VALUES(randomblob(60000)); DELETE FROM t; COMMIT");
        using PinnedImage image = PinnedImage.Open(Database, TimeSpan.Zero);
        byte[] pinned = ImageReading.ReadAll(image);
        Assert.True(reader.Position.SameGeneration(image.Position) && image.Position.PageCount > reader.Position.PageCount);

        reader.Dispose();
        image.Dispose();
        application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        Assert.Equal(FileBytes(), pinned);
    }

    private byte[] FileBytes() => WalSpecimen.ReadShared(Database);

    private WalHeader ReadHeader()
    {
        using WalFile wal = new(Database);
        Assert.True(wal.TryReadHeader(out WalHeader header));
        return header;
    }

    private byte[] Pages()
    {
        using PinnedImage image = PinnedImage.Open(Database, TimeSpan.Zero);
        return ImageReading.ReadAll(image);
    }

    private WalPosition Look()
    {
        using DatabaseConnection connection = DatabaseConnection.Open(Database, TimeSpan.Zero);
        connection.Pin();
        return connection.GetPosition();
    }

    private void Check(byte[] bytes, int rows)
    {
        string copy = _temporary["copy.db"];
        File.WriteAllBytes(copy, bytes);
        using Application reader = new(copy, "PRAGMA busy_timeout=0");
        Assert.Equal(0, reader.Query("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"));
        Assert.Equal(rows, reader.Query("SELECT count(*) FROM t"));
    }
}
