using System.Buffers.Binary;
using Litestream.Sqlite;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>What a window of the WAL proves, and what it must not.</summary>
public sealed class WalWindowTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Database => _temporary["app.db"];

    private string Copy => _temporary["copy.db"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, false)]
    [InlineData(4096, true)]
    [InlineData(65536, true)]
    public void Between_any_two_commits_it_holds_the_newest_image_of_each_page(int pageSize, bool bigEndian)
    {
        WalSpecimen specimen = WalSpecimen.Make(Database, pageSize).Signed(bigEndian);
        using WalFile wal = WalSpecimen.Place(Copy, specimen.Bytes);
        using WalWindow window = new();
        WalPosition[] ends = [specimen.Start, .. specimen.Commits];
        for (int i = 0; i < ends.Length; i++)
        {
            for (int j = i; j < ends.Length; j++)
            {
                WalPosition from = i == 0 && j == 0 ? specimen.Start : ends[i];
                Assert.True(window.TryScan(wal, from, ends[j]), window.Doubt);
                SameContent(specimen.Pages(from, ends[j]), window);
                Assert.Equal(j - i, window.Commits);
            }
        }
    }

    [Fact]
    public void SQLite_reads_what_we_sign_with_big_endian_checksums_and_so_do_we()
    {
        byte[] expected;
        using (Application application = Application.WithPages(Database, 4096))
        {
            application.Fill(20);
            WalSpecimen specimen = WalSpecimen.Make(_temporary["other.db"]);
            File.WriteAllBytes(Copy, WalSpecimen.ReadShared(_temporary["other.db"]));
            File.WriteAllBytes(Copy + "-wal", specimen.Signed(bigEndian: true).Bytes);
            expected = WalSpecimen.ReadShared(_temporary["other.db"]);
        }

        using Application reader = new(Copy, "PRAGMA wal_autocheckpoint=0");
        Assert.Equal(3, reader.Query("SELECT count(*) FROM t"));
        using PinnedImage image = PinnedImage.Open(Copy, TimeSpan.Zero);
        Assert.Equal(expected.Length / 4096, (int)image.Position.PageCount);
        Assert.Equal(expected, ImageReading.ReadAll(image));
    }

    public static TheoryData<string> Damages => [.. DamageByName.Keys];

    [Theory]
    [MemberData(nameof(Damages))]
    public void It_proves_nothing_by_a_damaged_WAL(string damage)
    {
        WalSpecimen specimen = WalSpecimen.Make(Database);
        using WalFile wal = WalSpecimen.Place(Copy, DamageByName[damage](specimen));
        using WalWindow window = new();

        Assert.False(window.TryScan(wal, specimen.Start, specimen.End));
        Assert.Equal(0, window.Count);
        Assert.NotEmpty(window.Doubt);
        Assert.False(window.TryScan(wal, specimen.Commits[^2], specimen.End with { Checksum1 = specimen.End.Checksum1 ^ 1 }));
    }

    [Fact]
    public void It_proves_nothing_by_a_WAL_with_any_byte_changed()
    {
        WalSpecimen specimen = WalSpecimen.Make(Database, 512, "INSERT INTO t(b) VALUES(randomblob(600))");
        using WalWindow window = new();
        for (int offset = 0; offset < specimen.Offset((int)specimen.End.MaxFrame + 1); offset++)
        {
            byte[] bytes = [.. specimen.Bytes];
            bytes[offset] ^= (byte)(1 << (offset % 8));
            using WalFile wal = WalSpecimen.Place(Copy, bytes);
            Assert.False(window.TryScan(wal, specimen.Start, specimen.End), $"byte {offset}");
        }
    }

    [Fact]
    public void A_WAL_without_a_file_proves_nothing()
    {
        WalSpecimen specimen = WalSpecimen.Make(Database);
        using WalFile wal = new(Copy);
        using WalWindow window = new();

        Assert.False(window.TryScan(wal, specimen.Start, specimen.End));
        Assert.True(window.TryScan(wal, specimen.Start, specimen.Start));
    }

    [Fact]
    public void An_uncommitted_tail_and_leftovers_of_an_earlier_generation_are_not_looked_at()
    {
        string path = Database;
        using Application application = Application.WithPages(path, 1024, "PRAGMA cache_spill=1; PRAGMA cache_size=5;");
        application.Fill(40);
        application.Checkpoint(SQLITE_CHECKPOINT_RESTART);
        application.Commit(2);
        application.Execute("PRAGMA cache_size=5; BEGIN");
        application.Fill(20);
        using LeapfrogPins pins = LeapfrogPins.Open(path, TimeSpan.Zero);
        byte[] bytes = WalSpecimen.ReadShared(path + "-wal");
        int behind = (int)pins.Position.EndOffset;
        Assert.True(bytes.Length > behind + 1048, "Nothing stands behind the last commit.");
        Assert.True(WalFrameHeader.Parse(bytes.AsSpan(behind)).IsGenerationOf(pins.Position), "The open transaction has not spilled.");
        Assert.False(WalFrameHeader.Parse(bytes.AsSpan(bytes.Length - 1048)).IsGenerationOf(pins.Position), "No leftover stands at the end.");
        using WalFile wal = new(path);
        using WalWindow window = new();

        Assert.True(window.TryScan(wal, pins.Position with { Salt1 = 0, Salt2 = 0, MaxFrame = 0, ChangeCounter = null }, pins.Position), window.Doubt);
        Assert.Equal(2, window.Commits);
        for (int i = 0; i < window.Count; i++)
        {
            Assert.True(window.Frame(i) <= pins.Position.MaxFrame);
        }

        application.Execute("ROLLBACK");
    }

    [Fact]
    public void A_window_that_does_not_fit_in_memory_is_proven_and_read_all_the_same()
    {
        WalSpecimen specimen = WalSpecimen.Make(
            Database, 4096, "INSERT INTO t(b) VALUES(randomblob(12000000))", "UPDATE t SET b=randomblob(10000000)", "INSERT INTO t(b) VALUES(1)");
        using WalFile wal = WalSpecimen.Place(Copy, specimen.Bytes);
        using WalWindow window = new();

        Assert.True(window.TryScan(wal, specimen.Start, specimen.End), window.Doubt);
        SameContent(specimen.Pages(specimen.Start, specimen.End), window);

        byte[] bytes = [.. specimen.Bytes];
        bytes[^(3 * specimen.FrameSize)] ^= 1;
        using WalFile damaged = WalSpecimen.Place(_temporary["damaged.db"], bytes);
        Assert.False(window.TryScan(damaged, specimen.Start, specimen.End));
        Assert.True(window.TryScan(wal, specimen.Commits[^2], specimen.End), window.Doubt);
        SameContent(specimen.Pages(specimen.Commits[^2], specimen.End), window);
    }

    [Fact]
    public void Pages_behind_the_end_after_a_shrink_are_dropped_and_the_smallest_size_is_told()
    {
        using Application application = Application.WithPages(Database, 4096, "PRAGMA auto_vacuum=full;");
        application.Fill(1);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        WalPosition before = pins.Position;
        application.Fill(50);
        application.Execute("DELETE FROM t WHERE id > 3");
        application.Fill(5);
        uint end = (uint)application.Query("PRAGMA page_count");
        WalPosition after = pins.Leap();
        using WalFile wal = new(Database);
        using WalWindow window = new();

        Assert.True(window.TryScan(wal, before, after), window.Doubt);
        Assert.Equal(before.PageCount, window.SmallestPageCount);
        Assert.True(window.PageNumber(window.Count - 1) <= end);

        application.Execute("DELETE FROM t WHERE id > 3");
        uint smallest = (uint)application.Query("PRAGMA page_count");
        application.Fill(9);
        Assert.True(window.TryScan(wal, after, pins.Leap()), window.Doubt);
        Assert.Equal(smallest, window.SmallestPageCount);
        Assert.True(smallest < after.PageCount);
    }

    [Fact]
    public void Repeated_commit_frames_that_pad_a_sector_are_allowed_and_counted()
    {
        WalSpecimen specimen = WalSpecimen.Make(Database, 512);
        byte[] last = specimen.Bytes[specimen.Offset((int)specimen.End.MaxFrame)..specimen.Offset((int)specimen.End.MaxFrame + 1)];
        WalSpecimen padded = specimen.Appended([last, last]).Signed(bigEndian: false);
        using WalFile wal = WalSpecimen.Place(Copy, padded.Bytes);
        using WalWindow window = new();
        WalPosition from = padded.Commits[0] with { ChangeCounter = 10 };
        uint commits = (uint)specimen.Commits.Count - 1;

        Assert.True(window.TryScan(wal, from, padded.End with { ChangeCounter = 10 + commits }), window.Doubt);
        Assert.False(window.TryScan(wal, from, padded.End with { ChangeCounter = 10 + commits - 1 }));
        Assert.False(window.TryScan(wal, from, padded.End with { ChangeCounter = 10 + commits + 3 }));
    }

    [Fact]
    public void A_generation_that_went_by_unseen_shows_in_the_commit_counter()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(3);
        WalPosition known = Look();
        application.Checkpoint(SQLITE_CHECKPOINT_RESTART);
        application.Commit(4);
        WalPosition next = Look();
        application.Checkpoint(SQLITE_CHECKPOINT_RESTART);
        application.Commit(5);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        using WalFile wal = new(Database);
        using WalWindow window = new();

        Assert.True(window.TryScan(wal, next, pins.Position), window.Doubt);
        Assert.False(window.TryScan(wal, known, pins.Position));
        Assert.Contains("9 commits", window.Doubt, StringComparison.Ordinal);
    }

    [Fact]
    public void A_generation_that_went_by_and_left_nothing_behind_shows_as_well()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(3);
        WalPosition known = Look();
        application.Checkpoint(SQLITE_CHECKPOINT_RESTART);
        application.Execute("UPDATE t SET b=zeroblob(4000)");
        application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        using WalFile wal = new(Database);
        using WalWindow window = new();

        Assert.Equal(0u, pins.Position.MaxFrame);
        Assert.Equal(known.PageCount, pins.Position.PageCount);
        Assert.False(window.TryScan(wal, known, pins.Position));
    }

    [Fact]
    public void A_reset_with_nothing_committed_after_it_is_an_empty_window()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(3);
        WalPosition known = Look();
        application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        using WalFile wal = new(Database);
        using WalWindow window = new();

        Assert.False(known.SameGeneration(pins.Position));
        Assert.True(window.TryScan(wal, known, pins.Position), window.Doubt);
        Assert.Equal(0, window.Count);
        Assert.False(window.TryScan(wal, known with { PageCount = known.PageCount + 1 }, pins.Position));
    }

    private static readonly Dictionary<string, Func<WalSpecimen, byte[]>> DamageByName = new()
    {
        ["empty file"] = _ => [],
        ["short header"] = specimen => specimen.Bytes[..31],
        ["magic"] = specimen => With(specimen, 0, 0x11111111),
        ["version"] = specimen => With(specimen, 4, 3007001),
        ["page size"] = specimen => With(specimen, 8, 8192),
        ["page size, signed"] = specimen => specimen.Signed(false, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), 8192)).Bytes,
        ["other generation, signed"] = specimen => specimen.Signed(false, bytes => bytes[19]++).Bytes,
        ["header checksum"] = specimen => With(specimen, 24, 1),
        ["page number"] = specimen => With(specimen, specimen.Offset(2), 99),
        ["page number 0, signed"] = specimen => specimen.Signed(false, bytes => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(specimen.Offset(2)), 0)).Bytes,
        ["commit mark taken away"] = specimen => With(specimen, specimen.Offset((int)specimen.Commits[1].MaxFrame) + 4, 0),
        ["commit mark added"] = specimen => With(specimen, specimen.Offset(2) + 4, 77),
        ["salt-1 of a frame"] = specimen => With(specimen, specimen.Offset(3) + 8, 5),
        ["salt-2 of a frame"] = specimen => With(specimen, specimen.Offset(3) + 12, 5),
        ["frame checksum"] = specimen => With(specimen, specimen.Offset(3) + 20, 5),
        ["page"] = specimen => With(specimen, specimen.Offset(3) + 24 + 100, 0x12345678),
        ["last word of the last page"] = specimen => With(specimen, specimen.Offset((int)specimen.End.MaxFrame + 1) - 4, 0x12345678),
        ["last frame cut"] = specimen => specimen.Bytes[..(specimen.Offset((int)specimen.End.MaxFrame + 1) - 1)],
        ["last frame gone"] = specimen => specimen.Bytes[..specimen.Offset((int)specimen.End.MaxFrame)],
        ["first frame gone"] = specimen => [.. specimen.Bytes.AsSpan(0, 32), .. specimen.Bytes.AsSpan(specimen.Offset(2)), .. new byte[specimen.FrameSize]],
        ["two frames swapped"] = specimen =>
        [
            .. specimen.Bytes.AsSpan(0, specimen.Offset(2)),
            .. specimen.Bytes.AsSpan(specimen.Offset(3), specimen.FrameSize),
            .. specimen.Bytes.AsSpan(specimen.Offset(2), specimen.FrameSize),
            .. specimen.Bytes.AsSpan(specimen.Offset(4)),
        ],
    };

    private static byte[] With(WalSpecimen specimen, int offset, uint word)
    {
        byte[] bytes = [.. specimen.Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), word);
        return bytes;
    }

    private static void SameContent(SortedDictionary<uint, byte[]> expected, WalWindow window)
    {
        Assert.Equal(expected.Keys, Enumerable.Range(0, window.Count).Select(window.PageNumber));
        byte[] scratch = new byte[65536];
        foreach ((uint page, byte[] content) in expected)
        {
            int index = window.IndexOf(page);
            Assert.True(content.AsSpan().SequenceEqual(window.Page(index, scratch)), $"page {page}");
            window.ReadPage(index, scratch);
            Assert.True(content.AsSpan().SequenceEqual(scratch.AsSpan(0, content.Length)), $"page {page}, read again");
        }

        Assert.True(window.IndexOf(expected.Count == 0 ? 1 : expected.Keys.Last() + 1) < 0);
    }

    private WalPosition Look()
    {
        using DatabaseConnection connection = DatabaseConnection.Open(Database, TimeSpan.Zero);
        connection.Pin();
        return connection.GetPosition();
    }
}
