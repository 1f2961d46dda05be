using Litestream.Legacy;
using Litestream.Restoration;
using Litestream.Storage;
using Litestream.Tests.Unit.Restoration;

namespace Litestream.Tests.Unit.Legacy;

/// <summary>Replicas of Litestream 0.3 become the database that SQLite makes of their snapshot and WAL, at every instant, or nothing.</summary>
public sealed class LegacyRestoreTests : IDisposable
{
    private const string Older = "0123456789abcdef";
    private const string Newer = "00000000000000aa";

    private readonly TemporaryFolder _temporary = new();

    private string Target => _temporary["restored.db"];

    private string Place => _temporary["replica"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task Every_instant_is_what_SQLite_makes_of_it(int pageSize)
    {
        using LegacySource source = new(_temporary["app.db"], Place, pageSize);
        WriteWals(source);
        await AssertEveryStateAsync(source);
    }

    [Fact]
    public async Task The_newest_snapshot_of_all_generations_is_taken()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        source.BeginGeneration(Newer);
        source.Execute("INSERT INTO t(b) VALUES(randomblob(9000))");
        source.WriteSegment();
        source.NextIndex();
        source.WriteSnapshot();

        RestoreResult result = await RestoreAsync();

        Assert.Equal((Newer, 0ul, 1), (result.Generation, result.Txid, result.Files));
        Assert.Equal(source.States[^1].Image, await File.ReadAllBytesAsync(Target));
        Assert.Equal(source.States[^1].Time, result.Timestamp);
        await AssertEveryStateAsync(source);
    }

    [Fact]
    public async Task A_transaction_that_is_there_in_part_is_left_out_until_the_rest_comes()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        source.BeginGeneration(Older);
        source.Execute("INSERT INTO t(b) VALUES(randomblob(100))");
        source.WriteSegment();
        source.Execute("INSERT INTO t(b) VALUES(randomblob(90000))");
        source.WriteSegment(heldBack: 3);
        source.WriteSegment();
        Assert.Equal(source.States[1].Image, source.States[2].Image);
        Assert.NotEqual(source.States[2].Image, source.States[3].Image);

        await AssertEveryStateAsync(source);
    }

    [Theory]
    [InlineData("wal/00000000_00000000", 0)]
    [InlineData("wal/00000001_00000000", 3)]
    [InlineData("second of 1", 4)]
    [InlineData("all of 1", 3)]
    public async Task A_gap_names_the_last_good_point_and_that_can_be_restored(string missing, int lastGood)
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        string[] ofOne = [.. source.States.Select(state => state.File).Where(file => file.Contains("wal/00000001", StringComparison.Ordinal))];
        Assert.True(ofOne.Length >= 3);
        foreach (string file in missing switch
        {
            "second of 1" => ofOne[1..2],
            "all of 1" => ofOne,
            _ => [.. source.States.Select(state => state.File).Where(file => file.Contains(missing, StringComparison.Ordinal))],
        })
        {
            File.Delete(source.PathOf(file));
        }

        LegacyGapException gap = await Assert.ThrowsAsync<LegacyGapException>(() => RestoreAsync());
        Assert.Equal(source.States[lastGood].Time, gap.LastGood);
        Assert.Contains(gap.LastGood!.Value.ToString("HH:mm:ss.fff", null), gap.Message, StringComparison.Ordinal);
        AssertNothingMade();

        await RestoreAsync(gap.LastGood);
        Assert.Equal(source.States[lastGood].Image, await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task A_gap_before_a_snapshot_that_was_written_anew_leaves_no_point()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        DateTimeOffset late = source.States[^1].Time + LegacySource.Moment;
        File.SetLastWriteTimeUtc(source.PathOf(source.States[0].File), late.UtcDateTime);
        Assert.Equal(late, Assert.Single((await RestorePoints.ListAsync(ReplicaLocation.Parse(Place), CancellationToken.None)).All).Timestamp);
        File.Delete(source.PathOf(source.States[1].File));

        LegacyGapException gap = await Assert.ThrowsAsync<LegacyGapException>(() => RestoreAsync());

        Assert.Null(gap.LastGood);
        Assert.Empty((await RestorePoints.ListAsync(ReplicaLocation.Parse(Place), CancellationToken.None)).All);
    }

    [Fact]
    public async Task A_WAL_that_ends_in_the_middle_of_a_transaction_before_the_next_begins_is_a_gap()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        source.BeginGeneration(Older);
        source.Execute("INSERT INTO t(b) VALUES(randomblob(100))");
        source.WriteSegment();
        source.Execute("INSERT INTO t(b) VALUES(randomblob(90000))");
        source.WriteSegment(heldBack: 3);
        source.NextIndex();
        source.Execute("INSERT INTO t(b) VALUES(randomblob(100))");
        source.WriteSegment();

        LegacyGapException gap = await Assert.ThrowsAsync<LegacyGapException>(() => RestoreAsync());

        Assert.Equal(source.States[1].Time, gap.LastGood);
        AssertNothingMade();
    }

    [Fact]
    public async Task A_segment_behind_one_that_is_too_young_does_not_count_whatever_its_own_time()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        File.SetLastWriteTimeUtc(source.PathOf(source.States[4].File), source.States[2].Time.UtcDateTime);

        await RestoreAsync(source.States[2].Time);

        Assert.Equal(source.States[2].Image, await File.ReadAllBytesAsync(Target));
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("00000000_")]
    [InlineData("00000002_")]
    public async Task A_damaged_file_makes_nothing_and_is_named(string kind)
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        string file = source.States.First(state => state.File.Contains(kind, StringComparison.Ordinal)).File;
        byte[] good = await File.ReadAllBytesAsync(source.PathOf(file));
        List<byte[]> bad = [[], [.. "age-encryption.org/v1"u8], good[..^1], good[..(good.Length / 2)], [.. good, 1, 2, 3, 4, 5, 6, 7, 8]];
        Random random = new(7);
        bad.AddRange(Enumerable.Range(0, 40).Select(_ =>
        {
            byte[] flipped = [.. good];
            flipped[random.Next(good.Length)] ^= (byte)(1 << random.Next(8));
            return flipped;
        }));
        int named = 0;
        foreach (byte[] bytes in bad)
        {
            await File.WriteAllBytesAsync(source.PathOf(file), bytes);
            File.SetLastWriteTimeUtc(source.PathOf(file), source.States[0].Time.UtcDateTime);
            Exception? e = await Record.ExceptionAsync(() => RestoreAsync());
            if (e is null)
            {
                // A distance in a run of zeros may be another one and mean the same bytes.
                Assert.Equal(good.Length, bytes.Length);
                Assert.Equal(source.States[^1].Image, await File.ReadAllBytesAsync(Target));
                File.Delete(Target);
                continue;
            }

            Assert.Equal(file, Assert.IsType<LegacyFormatException>(e).File);
            AssertNothingMade();
            named++;
        }

        Assert.InRange(named, bad.Count - 5, bad.Count);
    }

    [Fact]
    public async Task A_frame_that_does_not_meet_its_checksum_is_an_error_and_no_silent_end()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        source.Replace(source.States[^2].File, content =>
        {
            content[^1] ^= 1;
            return content;
        });

        LegacyFormatException e = await Assert.ThrowsAsync<LegacyFormatException>(() => RestoreAsync());

        Assert.Equal(source.States[^2].File, e.File);
        Assert.Contains(source.States[^3].Time.ToString("HH:mm:ss.fff", null), e.Message, StringComparison.Ordinal);
        AssertNothingMade();
        await RestoreAsync(source.States[^3].Time);
        Assert.Equal(source.States[^3].Image, await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task Of_two_formats_at_one_place_the_newer_state_at_the_time_is_taken()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        byte[] image = SqliteFile.Create(_temporary["other.db"], 50);
        DateTimeOffset between = source.States[3].Time + LegacySource.Moment;
        ReplicaFolder replica = new(Place);
        replica.WriteImage(1, image);
        File.SetLastWriteTimeUtc(Assert.Single(Directory.GetFiles(Path.Combine(Place, "ltx"), "*.ltx", SearchOption.AllDirectories)), between.UtcDateTime);

        Assert.Equal(Older, (await RestoreAsync()).Generation);
        Assert.Equal(source.States[^1].Image, await File.ReadAllBytesAsync(Target));
        Assert.Null((await RestoreAsync(between + TimeSpan.FromSeconds(1))).Generation);
        Assert.Equal(image, await File.ReadAllBytesAsync(Target));
        await RestoreAsync(source.States[3].Time);
        Assert.Equal(source.States[3].Image, await File.ReadAllBytesAsync(Target));
        Assert.Equal(1ul, (await RestoreAsync(txid: 1)).Txid);
        Assert.Equal(image, await File.ReadAllBytesAsync(Target));

        // A gap in the older one stands in nobody's way; in the newer one it must not be taken for its end.
        File.Delete(source.PathOf(source.States[1].File));
        Assert.Null((await RestoreAsync(between + TimeSpan.FromSeconds(1))).Generation);
        await Assert.ThrowsAsync<LegacyGapException>(() => RestoreAsync());
    }

    [Fact]
    public async Task Progress_ends_with_all_bytes()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        List<RestoreProgress> told = [];
        RestoreOptions options = new() { Source = ReplicaLocation.Parse(Place), OutputPath = Target };

        RestoreResult result = await DatabaseRestorer.RestoreAsync(options, new Told(told.Add), CancellationToken.None);

        long size = source.States.Sum(state => new FileInfo(source.PathOf(state.File)).Length);
        Assert.Equal(size, result.BytesRead);
        Assert.Equal((size, size), (told[^1].BytesDone, told[^1].BytesTotal));
        Assert.Equal(told.Select(progress => progress.BytesDone).Order(), told.Select(progress => progress.BytesDone));
    }

    [Fact]
    public async Task What_a_killed_restore_left_is_removed_by_the_next()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        await File.WriteAllTextAsync(Target + ".restoring-1234567", "half");
        await File.WriteAllTextAsync(Target + ".restoring-1234567.spool", "half");

        await RestoreAsync();
    }

    [Fact]
    public async Task A_transaction_id_or_a_time_before_the_first_snapshot_is_refused()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);

        ReplicaNotFoundException numbered = await Assert.ThrowsAsync<ReplicaNotFoundException>(() => RestoreAsync(txid: 3));
        Assert.Contains("Litestream 0.3", numbered.Message, StringComparison.Ordinal);
        ReplicaNotFoundException early = await Assert.ThrowsAsync<ReplicaNotFoundException>(() => RestoreAsync(source.States[0].Time - LegacySource.Moment));
        Assert.Contains(source.States[0].Time.ToString("HH:mm:ss.fff", null), early.Message, StringComparison.Ordinal);
        AssertNothingMade();
    }

    [Fact]
    public async Task Points_are_the_times_of_the_files_up_to_a_gap_and_each_can_be_restored()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        source.BeginGeneration(Newer);
        source.Execute("INSERT INTO t(b) VALUES(randomblob(9000))");
        source.WriteSegment();
        RestorePoints points = await RestorePoints.ListAsync(ReplicaLocation.Parse(Place), CancellationToken.None);
        Assert.Equal(source.States.Select(state => state.Time), points.All.Select(point => point.Timestamp));
        Assert.Equal([9, .. Enumerable.Repeat(0, 9), 9, 0], points.All.Select(point => point.Level));
        Assert.Equal((0ul, Older), (points.All[3].Txid, points.All[3].Generation));

        File.Delete(source.PathOf(source.States.First(state => state.File.Contains("wal/00000001_00000000", StringComparison.Ordinal)).File));
        points = await RestorePoints.ListAsync(ReplicaLocation.Parse(Place), CancellationToken.None);

        Assert.Equal([.. source.States[..4].Select(state => state.Time), .. source.States[^2..].Select(state => state.Time)], points.All.Select(point => point.Timestamp));
        foreach (RestorePoint point in points.All)
        {
            (RestoreResult result, byte[] image) = await RestoredAsync(point.Timestamp);
            Assert.Equal((point.Timestamp, point.Generation), (result.Timestamp, result.Generation));
            Assert.Equal(source.States.Single(state => state.Time == point.Timestamp).Image, image);
        }
    }

    [Fact]
    public async Task Foreign_files_are_passed_over()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        WriteWals(source);
        foreach (string name in new[]
        {
            $"generations/{Older}/wal/00000009_00000000.wal.lz4.tmp", $"generations/{Older}/wal/9_0.wal.lz4", $"generations/{Older}/wal/00000009_ffffffffffffffff.wal.lz4",
            $"generations/{Older}/snapshots/000000099.snapshot.lz4", $"generations/{Older}/00000009.snapshot.lz4", "generations/XYZ/snapshots/00000009.snapshot.lz4",
            $"generations/more/{Older}/snapshots/00000009.snapshot.lz4",
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(source.PathOf(name))!);
            await File.WriteAllTextAsync(source.PathOf(name), "no part of it");
        }

        await AssertEveryStateAsync(source);
    }

    [Fact]
    public async Task A_snapshot_that_is_ahead_of_its_segments_is_not_mixed_with_them()
    {
        using LegacySource source = new(_temporary["app.db"], Place);
        source.BeginGeneration(Older);
        source.Execute("INSERT INTO t(b) VALUES(randomblob(9000))");
        source.WriteSegment();
        source.NextIndex();
        source.Execute("INSERT INTO t(b) VALUES(randomblob(9000))");
        source.WriteSegment();
        source.Execute("UPDATE t SET b=randomblob(9000); INSERT INTO t(b) VALUES(randomblob(90000))");
        source.WriteSnapshotAhead();
        for (int i = 0; i < 4; i++)
        {
            source.WriteSegment();
            source.Execute("INSERT INTO t(b) VALUES(randomblob(100))");
        }

        foreach ((DateTimeOffset time, byte[] image, string file) in source.States)
        {
            bool isAhead = file.Contains("snapshots/00000001", StringComparison.Ordinal);
            (_, byte[] restored) = await RestoredAsync(time);
            Assert.True((isAhead ? source.States[2].Image : image).AsSpan().SequenceEqual(restored), file);
        }

        // The newer snapshot counts from the third segment behind it on: fewer files are read.
        Assert.Equal(1 + 5, (await RestoreAsync()).Files);
        Assert.Equal(1 + 4, (await RestoreAsync(source.States[^2].Time)).Files);
        Assert.Equal(1 + 1 + 3, (await RestoreAsync(source.States[^3].Time)).Files);
    }

    /// <summary>Three WALs, each in several segments, with growth, deletion and a VACUUM; a snapshot before the second.</summary>
    private static void WriteWals(LegacySource source)
    {
        source.Execute("INSERT INTO t(b) VALUES(randomblob(30000)),(zeroblob(200000))");
        source.BeginGeneration(Older);
        for (int wal = 0; wal < 3; wal++)
        {
            source.Execute("INSERT INTO t(b) SELECT randomblob(2000) FROM (VALUES(1),(2),(3),(4),(5))");
            source.WriteSegment();
            source.Execute("UPDATE t SET b=randomblob(3000) WHERE id%2=0");
            source.Execute("INSERT INTO t(b) VALUES(randomblob(80000)); DELETE FROM t WHERE id%3=0");
            source.WriteSegment();
            source.Execute(wal == 1 ? "DELETE FROM t WHERE id%2=1; VACUUM" : "INSERT INTO t(b) VALUES(1)");
            source.WriteSegment();
            source.NextIndex();
        }
    }

    private async Task AssertEveryStateAsync(LegacySource source)
    {
        Assert.Equal(source.States[^1].Image, (await RestoredAsync(null)).Image);
        foreach ((DateTimeOffset time, byte[] image, string file) in source.States)
        {
            (RestoreResult result, byte[] restored) = await RestoredAsync(time + LegacySource.Moment);
            Assert.True(image.AsSpan().SequenceEqual(restored), file);
            Assert.Equal(time, result.Timestamp);
            Assert.Equal(image.Length, (long)result.Pages * result.PageSize);
        }
    }

    private async Task<(RestoreResult Result, byte[] Image)> RestoredAsync(DateTimeOffset? time)
    {
        RestoreResult result = await RestoreAsync(time);
        return (result, await File.ReadAllBytesAsync(Target));
    }

    private async Task<RestoreResult> RestoreAsync(DateTimeOffset? time = null, ulong? txid = null)
    {
        RestoreOptions options = new()
        {
            Source = ReplicaLocation.Parse(Place),
            OutputPath = Target,
            Force = true,
            TargetTime = time,
            TargetTxid = txid,
            SeedLocalState = false,
            IntegrityCheck = IntegrityCheck.Full,
        };
        RestoreResult result = await DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None);
        Assert.Equal([Target], Directory.GetFiles(_temporary.FullPath, "restored.db*"));
        return result;
    }

    private void AssertNothingMade() => Assert.Empty(Directory.GetFiles(_temporary.FullPath, "restored.db*"));

    private sealed class Told(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
