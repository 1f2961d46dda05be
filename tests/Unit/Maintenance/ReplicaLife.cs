using System.Buffers;
using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Maintenance;

/// <summary>
/// A database that lives on a clock of the test: each capture becomes a real file of a real replica, its image is remembered, and
/// maintenance runs at its checks as it does beside a live one.
/// </summary>
internal sealed class ReplicaLife
{
    internal static readonly DateTimeOffset Birth = new(2026, 11, 1, 9, 30, 7, TimeSpan.Zero);

    private readonly Random _random;
    private readonly Dictionary<uint, byte[]> _dirty = [];
    private List<byte[]> _pages = [];
    private MaintenanceSchedule _schedule = null!;

    internal ReplicaLife(IReplicaStore store, MaintenanceOptions options, int seed)
    {
        Store = store;
        Options = options;
        _random = new Random(seed);
    }

    internal IReplicaStore Store { get; }

    internal MaintenanceOptions Options { get; }

    internal ManualClock Clock { get; } = new(Birth);

    internal ReplicaCatalogue Catalogue { get; private set; } = null!;

    internal int PageSize { get; private set; } = 512;

    /// <summary>What was captured, by transaction id.</summary>
    internal SortedList<ulong, (DateTimeOffset Time, byte[] Image)> Captures { get; } = [];

    /// <summary>Transactions that stand in no captured file, because a base image begins with them.</summary>
    internal HashSet<ulong> Bases { get; } = [];

    internal ulong Head => Captures.Count == 0 ? 0 : Captures.GetKeyAtIndex(Captures.Count - 1);

    /// <summary>Knows what a listing shows, as after a start.</summary>
    internal async Task RestartAsync()
    {
        Catalogue = new ReplicaCatalogue(await ReplicaListing.ReadAsync(Store, CancellationToken.None));
        _schedule = new MaintenanceSchedule(Store, Catalogue, Options, Clock);
    }

    /// <summary>Begins with a full image, at the birth or when the page size has changed.</summary>
    internal async Task BeginAsync(int pageSize)
    {
        PageSize = pageSize;
        _pages = [.. Enumerable.Range(0, 6).Select(_ => NewPage())];
        _dirty.Clear();
        Remember();
        Bases.Add(Head);
        (ReplicaFile file, _) = await PutAsync(LtxFileName.SnapshotLevel, 1, AllPages());
        Catalogue.Add(file);
    }

    /// <summary>A transaction that changes, cuts or adds pages, and its file.</summary>
    internal async Task CaptureAsync()
    {
        _dirty.Clear();
        int before = _pages.Count;
        int size = Math.Max(1, _random.Next(5) switch { 0 => before - _random.Next(4), 1 => before + _random.Next(4), _ => before });
        _pages.RemoveRange(Math.Min(size, before), Math.Max(0, before - size));
        while (_pages.Count < size)
        {
            _pages.Add(NewPage());
            _dirty[(uint)_pages.Count] = _pages[^1];
        }

        uint changed = (uint)_random.Next(1, size + 1);
        _dirty[changed] = _pages[(int)changed - 1] = NewPage();
        Remember();
        (ReplicaFile file, _) = await PutAsync(0, Head, [.. _dirty.OrderBy(page => page.Key).Select(page => (page.Key, page.Value))]);
        Catalogue.Add(file);
    }

    /// <summary>What a check does: merges, an image if one is due, deletes.</summary>
    internal async Task CheckAsync()
    {
        await _schedule.MergeAsync(CancellationToken.None);
        await _schedule.MakeImageAsync(async _ => await PutAsync(LtxFileName.SnapshotLevel, 1, AllPages()), CancellationToken.None);
        await _schedule.DeleteExpiredAsync(CancellationToken.None);
    }

    internal static LtxHeader Header(int pageSize, int pages, ulong min, ulong max, DateTimeOffset time) => new()
    {
        Flags = LtxHeader.NoChecksumFlag,
        PageSize = pageSize,
        Commit = (uint)pages,
        MinTxid = min,
        MaxTxid = max,
        Timestamp = time.ToUnixTimeMilliseconds(),
    };

    private void Remember() => Captures.Add(Head + 1, (Clock.GetUtcNow(), [.. _pages.SelectMany(page => page)]));

    private List<(uint Number, byte[] Page)> AllPages() => [.. _pages.Select((page, i) => ((uint)i + 1, page))];

    private byte[] NewPage()
    {
        byte[] page = new byte[PageSize];
        _random.NextBytes(page.AsSpan(0, 16));
        return page;
    }

    private async Task<(ReplicaFile File, LtxTrailer Trailer)> PutAsync(int level, ulong min, List<(uint Number, byte[] Page)> pages)
    {
        DateTimeOffset time = Captures[Head].Time;
        var output = new ArrayBufferWriter<byte>();
        var encoder = new LtxEncoder(output, Header(PageSize, _pages.Count, min, Head, time));
        foreach ((uint number, byte[] page) in pages)
        {
            encoder.WritePage(number, page);
        }

        LtxTrailer trailer = encoder.Finish();
        var name = new LtxFileName(min, Head);
        try
        {
            await Store.PutAsync(
                level, name, time, output.WrittenCount, (stream, cancel) => stream.WriteAsync(output.WrittenMemory, cancel).AsTask(), CancellationToken.None);
        }
        catch (ReplicaUnreachableException) when (level == 0)
        {
            // The answer was lost; an upload is tried again, over itself.
            await Store.PutAsync(
                level, name, time, output.WrittenCount, (stream, cancel) => stream.WriteAsync(output.WrittenMemory, cancel).AsTask(), CancellationToken.None);
        }

        return (new ReplicaFile(level, name, output.WrittenCount, time), trailer);
    }
}
