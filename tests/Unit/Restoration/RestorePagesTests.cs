using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Restoration;

/// <summary>Which bytes a restore writes.</summary>
public sealed class RestorePagesTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly ReplicaFolder _replica;

    public RestorePagesTests() => _replica = new ReplicaFolder(_temporary["replica"]);

    private string Target => _temporary["out.db"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Newest_image_of_each_page_is_restored()
    {
        _replica.Write(9, 1, 3, 3, (1, 1), (2, 2), (3, 3));
        _replica.Write(0, 4, 4, 3, (2, 4));
        _replica.Write(1, 3, 5, 4, (2, 5), (3, 5), (4, 5)); // overlaps both
        _replica.Write(0, 6, 6, 4, (4, 6));
        RestoreResult result = await RestoreAsync();
        Assert.Equal("1 5 5 6", Fills());
        Assert.Equal((Target, 6ul, 4u, 512, 3), (result.Path, result.Txid, result.Pages, result.PageSize, result.Files));
        Assert.Equal(ReplicaFolder.Time(6), result.Timestamp);
        Assert.Equal(
            new[] { _replica.FilePath(9, 1, 3), _replica.FilePath(1, 3, 5), _replica.FilePath(0, 6, 6) }.Sum(f => new FileInfo(f).Length),
            result.BytesRead);
    }

    [Fact]
    public async Task Target_transaction_is_restored()
    {
        _replica.Write(9, 1, 1, 2, (1, 1), (2, 1));
        _replica.Write(0, 2, 2, 2, (1, 2));
        _replica.Write(0, 3, 3, 2, (1, 3));
        Assert.Equal(2ul, (await RestoreAsync(target: 2)).Txid);
        Assert.Equal("2 1", Fills());
    }

    [Fact]
    public async Task Pages_cut_off_stay_away_and_come_back_new()
    {
        _replica.Write(9, 1, 1, 4, (1, 1), (2, 1), (3, 1), (4, 1));
        _replica.Write(0, 2, 2, 2, (1, 2));
        await RestoreAsync();
        Assert.Equal("2 1", Fills());

        _replica.Write(0, 3, 3, 3, (3, 3));
        await RestoreAsync(force: true);
        Assert.Equal("2 1 3", Fills());
    }

    [Fact]
    public async Task Page_cut_off_and_added_again_without_content_is_an_error_not_the_old_page()
    {
        _replica.Write(9, 1, 1, 4, (1, 1), (2, 1), (3, 1), (4, 1));
        _replica.Write(0, 2, 2, 2, (1, 2));
        _replica.Write(0, 3, 3, 4, (4, 3));
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync());
        Assert.Contains("do not hold page 3 of 4", e.Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Image_that_lacks_a_page_is_an_error()
    {
        _replica.Write(9, 2, 2, 3, (1, 1), (3, 1));
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync());
        Assert.Contains("do not hold page 2 of 3", e.Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(9, 1, 2)]
    [InlineData(0, 3, 3)] // none of its pages survives
    [InlineData(0, 4, 4)]
    public async Task Damage_in_any_file_of_the_plan_is_an_error_that_names_it(int level, ulong min, ulong max)
    {
        _replica.Write(9, 1, 2, 2, (1, 1), (2, 1));
        _replica.Write(0, 3, 3, 2, (2, 3));
        _replica.Write(0, 4, 4, 2, (1, 4), (2, 4));
        string path = _replica.FilePath(level, min, max);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync());
        Assert.Equal($"{level}/{new LtxFileName(min, max)}", e.File);
        AssertNothingLeft();
    }

    [Fact]
    public async Task File_under_another_name_is_an_error()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        string file = _replica.Write(0, 3, 3, 1, (1, 3));
        File.Move(file, _replica.FilePath(0, 2, 2));
        Assert.Equal(0x10, (await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync())).Offset);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Claimed_size_is_not_believed_beyond_what_the_files_can_hold()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        _replica.Write(0, 2, 2, uint.MaxValue, (1, 2));
        Assert.Equal(0x0C, (await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync())).Offset);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Lock_page_of_a_database_over_one_gibibyte_is_zero_and_its_neighbours_are_not()
    {
        const int pageSize = 65536;
        uint locked = LockPage.Number(pageSize);
        byte[] empty = new byte[pageSize];
        byte[] full = LtxReplicaPage(pageSize);
        _replica.PageSize = pageSize;
        _replica.Write(9, 1, 1, locked + 1, Enumerable.Range(1, (int)locked + 1).Select(i => (uint)i).Where(i => i != locked)
            .Select(i => (i, i == 1 || i == locked - 1 || i == locked + 1 ? full : empty)));

        RestoreResult result = await RestoreAsync();
        Assert.Equal(locked + 1, result.Pages);
        await using FileStream file = File.OpenRead(Target);
        Assert.Equal((locked + 1L) * pageSize, file.Length);
        foreach (uint page in (uint[])[1, 2, locked - 1, locked, locked + 1])
        {
            byte[] bytes = new byte[pageSize];
            file.Position = (page - 1L) * pageSize;
            await file.ReadExactlyAsync(bytes);
            Assert.Equal(page == 2 || page == locked ? empty : full, bytes);
        }
    }

    [Fact]
    public async Task Change_of_the_page_size_by_a_file_that_holds_every_page_makes_older_ones_irrelevant()
    {
        _replica.Write(9, 1, 1, 2, (1, 1), (2, 1));
        _replica.PageSize = 1024;
        _replica.Write(0, 2, 2, 1, (1, 7));
        Assert.Equal(1024, (await RestoreAsync()).PageSize);
        Assert.Equal(Enumerable.Repeat((byte)7, 1024), await File.ReadAllBytesAsync(Target));

        _replica.Write(0, 3, 3, 2, (1, 8)); // of the new size, and page 2 nowhere
        Assert.Equal(0x08, (await Assert.ThrowsAsync<LtxFormatException>(() => RestoreAsync(force: true))).Offset);
        Assert.Equal(Enumerable.Repeat((byte)7, 1024), await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task Files_that_vanish_under_a_restore_make_it_plan_anew()
    {
        _replica.Write(9, 1, 1, 2, (1, 1), (2, 1));
        string first = _replica.Write(0, 2, 2, 2, (1, 2));
        string second = _replica.Write(0, 3, 3, 2, (2, 3));
        bool merged = false;
        var progress = new Immediate(report =>
        {
            if (!merged && report.BytesTotal > 0)
            {
                merged = true;
                _replica.Write(1, 2, 3, 2, (1, 2), (2, 3));
                File.Delete(first);
                File.Delete(second);
            }
        });
        RestoreResult result = await DatabaseRestorer.RestoreAsync(Options(null, false), progress, CancellationToken.None);
        Assert.Equal(2, result.Files);
        Assert.Equal("2 3", Fills());
    }

    [Fact]
    public async Task Cancellation_leaves_nothing_behind()
    {
        _replica.Write(9, 1, 1, 2, (1, 1), (2, 1));
        _replica.Write(0, 2, 2, 2, (1, 2));
        using var cancel = new CancellationTokenSource();
        bool seen = false;
        var progress = new Immediate(report =>
        {
            if (report.BytesDone > 0)
            {
                seen |= Directory.EnumerateFiles(_temporary.FullPath, "out.db.restoring-*").Any();
                cancel.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => DatabaseRestorer.RestoreAsync(Options(null, false), progress, cancel.Token));
        Assert.True(seen);
        AssertNothingLeft();
    }

    [Fact]
    public async Task Progress_ends_with_all_bytes()
    {
        _replica.Write(9, 1, 1, 5000, Enumerable.Range(1, 5000).Select(i => ((uint)i, new byte[512])));
        var reports = new List<RestoreProgress>();
        RestoreResult result = await DatabaseRestorer.RestoreAsync(Options(null, false), new Immediate(reports.Add), CancellationToken.None);
        Assert.True(reports.Count > 3);
        Assert.Equal(reports.Select(r => r.BytesDone).Order(), reports.Select(r => r.BytesDone));
        Assert.Equal((result.BytesRead, result.BytesRead), (reports[^1].BytesDone, reports[^1].BytesTotal));
    }

    [Fact]
    public async Task Local_state_is_seeded_with_the_checksum_of_every_page()
    {
        _replica.Write(9, 1, 3, 3, (1, 1), (2, 2), (3, 0));
        string newest = _replica.Write(0, 4, 4, 3, (2, 4));
        await RestoreAsync(seed: true);
        using PageChecksumTable table = PageChecksumTable.TryOpen(new LocalStateFolder(Target).TablePath)!;
        byte[] database = await File.ReadAllBytesAsync(Target);
        ulong[] checksums = new ulong[3];
        table.ReadRange(1, checksums);
        Assert.Equal(ReplicaFolder.Pages(database, 512).Select(page => PageChecksum.Compute(page.Number, page.Page)), checksums);
        Assert.Equal((4ul, 3u, 512), (table.Txid, table.PageCount, table.PageSize));
        LtxTrailer trailer = await LtxDecoder.VerifyAsync(File.OpenRead(newest), "newest", CancellationToken.None);
        Assert.Equal(trailer.FileChecksum, table.FileChecksum);
    }

    private static byte[] LtxReplicaPage(int pageSize)
    {
        byte[] page = new byte[pageSize];
        new Random(3).NextBytes(page);
        return page;
    }

    private RestoreOptions Options(ulong? target, bool force, bool seed = false) => new()
    {
        Source = ReplicaLocation.Parse(_replica.Path),
        OutputPath = Target,
        TargetTxid = target,
        Force = force,
        SeedLocalState = seed,
    };

    private Task<RestoreResult> RestoreAsync(ulong? target = null, bool force = false, bool seed = false) =>
        DatabaseRestorer.RestoreAsync(Options(target, force, seed), null, CancellationToken.None);

    private string Fills() => string.Join(' ', ReplicaFolder.Pages(File.ReadAllBytes(Target), 512).Select(page =>
    {
        Assert.Single(page.Page.Distinct());
        return page.Page[0];
    }));

    private void AssertNothingLeft() => Assert.Equal([_replica.Path], Directory.EnumerateFileSystemEntries(_temporary.FullPath));

    private sealed class Immediate(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
