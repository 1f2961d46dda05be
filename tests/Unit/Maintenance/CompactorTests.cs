using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Storage;
using Litestream.Tests.Unit.Restoration;

namespace Litestream.Tests.Unit.Maintenance;

public sealed class CompactorTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly TemporaryFolder _temporary = new();
    private readonly ReplicaFolder _replica;
    private readonly WatchedStore _store;

    public CompactorTests()
    {
        _replica = new ReplicaFolder(_temporary["replica"]);
        _store = new WatchedStore(ReplicaLocation.Parse(_replica.Path).Open());
    }

    // A file of transaction n is of second n of an interval that begins with transaction 0.
    private static DateTimeOffset Later => ReplicaFolder.Time(1000);

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_single_file_is_carried_to_the_next_level_as_it_is()
    {
        _replica.Write(9, 1, 3, 2, (1, 1), (2, 1));
        byte[] content = File.ReadAllBytes(_replica.Write(0, 4, 4, 2, (2, 4)));
        var specimen = new Litestream.Tests.Unit.Ltx.LtxSpecimen { Commit = 2, MinTxid = 15, MaxTxid = 15, Pages = [(2, new byte[512])] };
        byte[] foreign = specimen.ToBytes();
        _replica.Put(0, 15, 15, foreign);
        Assert.Equal(2, await CompactAsync());
        Assert.Equal(content, File.ReadAllBytes(_replica.FilePath(1, 4, 4)));
        Assert.Equal(foreign, File.ReadAllBytes(_replica.FilePath(1, 15, 15)));
        Assert.Equal(ReplicaFolder.Time(4).UtcDateTime, File.GetLastWriteTimeUtc(_replica.FilePath(1, 4, 4)));
    }

    [Fact]
    public async Task A_backlog_is_merged_interval_by_interval_and_the_present_one_waits()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        for (ulong txid = 2; txid <= 34; txid++)
        {
            _replica.Write(0, txid, txid, 1, (1, (byte)txid));
        }

        Assert.Equal(3, await CompactAsync(ReplicaFolder.Time(35)));
        Assert.Equal(["2-9", "10-19", "20-29"], Names(1));
        Assert.Equal(0, await CompactAsync(ReplicaFolder.Time(35)));
        Assert.Equal(1, await CompactAsync(ReplicaFolder.Time(40)));
        Assert.Equal(["2-9", "10-19", "20-29", "30-34"], Names(1));
    }

    [Fact]
    public async Task A_level_ends_before_missing_transactions_and_begins_anew_behind_them()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        foreach (ulong txid in (ulong[])[2, 3, 5, 6, 7])
        {
            _replica.Write(0, txid, txid, 1, (1, (byte)txid));
        }

        await CompactAsync();
        Assert.Equal(["2-3", "5-7"], Names(1));
        await CompactAsync(level: 2);
        Assert.Equal(["2-3", "5-7"], Names(2));
    }

    [Fact]
    public async Task Overlapping_files_are_merged_without_a_hole()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        _replica.Write(0, 2, 4, 1, (1, 4));
        _replica.Write(0, 4, 6, 1, (1, 6));
        _replica.Write(0, 5, 5, 1, (1, 5));
        _replica.Write(0, 6, 8, 1, (1, 8));
        await CompactAsync();
        Assert.Equal(["2-8"], Names(1));
    }

    [Fact]
    public async Task Files_of_two_page_sizes_are_never_merged_even_without_a_gap_between_them()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        _replica.Write(0, 2, 2, 1, (1, 2));
        _replica.Write(0, 3, 3, 1, (1, 3));
        _replica.PageSize = 1024;
        _replica.Write(0, 4, 4, 1, (1, 4));
        _replica.Write(0, 5, 5, 1, (1, 5));
        await CompactAsync();
        Assert.Equal(["2-3", "4-5"], Names(1));
        await CompactAsync(level: 2);
        Assert.Equal(["2-3", "4-5"], Names(2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_is_not_stored_as_written_is_an_error_and_goes_again(int inputs)
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        for (ulong txid = 2; txid < 2 + (ulong)inputs; txid++)
        {
            _replica.Write(0, txid, txid, 1, (1, (byte)txid));
        }

        _store.Corrupt = (_, content) =>
        {
            content[^20] ^= 1;
            return content;
        };
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => CompactAsync());
        Assert.StartsWith("1/", e.File, StringComparison.Ordinal);
        Assert.Empty(Names(1));
        Assert.Equal(inputs, Names(0).Length);

        _store.Corrupt = null;
        Assert.Equal(1, await CompactAsync());
    }

    [Fact]
    public async Task A_whole_file_in_place_of_the_one_written_is_found_out()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        string other = _replica.Write(1, 2, 3, 1, (1, 9));
        byte[] sound = File.ReadAllBytes(other);
        File.Delete(other);
        _replica.Write(0, 2, 2, 1, (1, 2));
        _replica.Write(0, 3, 3, 1, (1, 3));
        _store.Corrupt = (_, _) => sound;
        await Assert.ThrowsAsync<LtxFormatException>(() => CompactAsync());
        Assert.Empty(Names(1));
    }

    [Fact]
    public async Task A_damaged_input_is_named()
    {
        _replica.Write(9, 1, 1, 1, (1, 1));
        string damaged = _replica.Write(0, 2, 2, 1, (1, 2));
        byte[] content = File.ReadAllBytes(damaged);
        content[^1] ^= 1;
        _replica.Put(0, 2, 2, content);
        LtxFormatException e = await Assert.ThrowsAsync<LtxFormatException>(() => CompactAsync());
        Assert.StartsWith("0/", e.File, StringComparison.Ordinal);
        Assert.Empty(Names(1));
    }

    private async Task<int> CompactAsync(DateTimeOffset? now = null, int level = 1)
    {
        var catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(_store, CancellationToken.None));
        return await new Compactor(_store, catalogue).CompactAsync(level, Interval, now ?? Later, CancellationToken.None);
    }

    private string[] Names(int level)
    {
        string folder = Path.Combine(_replica.Path, "ltx", $"{level}");
        return !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder)
            .Select(path => LtxFileName.TryParse(Path.GetFileName(path), out LtxFileName name) ? name : throw new InvalidDataException(path))
            .Order()
            .Select(name => $"{name.MinTxid}-{name.MaxTxid}")];
    }
}
