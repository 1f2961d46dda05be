using System.Globalization;
using Litestream.Sqlite;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>What the kernel tells of writes, and what ends a wait. An event is there before the call that makes it returns, so nothing here waits for one.</summary>
public sealed class WalWatchTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _temporary = new();
    private readonly string _wal;

    public WalWatchTests()
    {
        _wal = _temporary["a.db-wal"];
        File.WriteAllBytes(_wal, [1, 2, 3]);
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void The_first_write_ends_a_watch_and_the_next_one_tells_nothing()
    {
        using WalWatch watch = WalWatch.Open();
        int id = watch.Add(_wal);
        Assert.Equal(OperatingSystem.IsLinux(), watch.CanWatch);
        Assert.Equal(watch.CanWatch, id > 0);

        File.AppendAllText(_wal, "frame");
        Assert.Equal(watch.CanWatch ? [id] : [], Ended(watch).Distinct());
        File.AppendAllText(_wal, "frame");
        Assert.Empty(Ended(watch));
    }

    [Fact]
    public void A_file_that_is_cut_off_counts_as_written_and_one_that_is_read_does_not()
    {
        using WalWatch watch = WalWatch.Open();
        int id = watch.Add(_wal);
        File.ReadAllBytes(_wal);
        Assert.Empty(Ended(watch));

        using (FileStream file = File.OpenWrite(_wal))
        {
            file.SetLength(0);
        }

        Assert.Equal(watch.CanWatch ? [id] : [], Ended(watch).Distinct());
    }

    [Fact]
    public void A_watch_ends_on_request_and_with_its_file_and_its_id_is_not_used_again()
    {
        using WalWatch watch = WalWatch.Open();
        int first = watch.Add(_wal);
        watch.Remove(first);
        Assert.Equal(watch.CanWatch ? [first] : [], Ended(watch));

        int second = watch.Add(_wal);
        watch.Remove(first);
        Assert.Empty(Ended(watch));
        File.Delete(_wal);
        Assert.Equal(watch.CanWatch ? [second] : [], Ended(watch));
        Assert.True(!watch.CanWatch || second != first);
    }

    [Fact]
    public void There_is_no_watch_on_what_is_not_there()
    {
        using WalWatch watch = WalWatch.Open();
        using WalWatch without = WalWatch.WithoutWatches();
        Assert.Equal(0, watch.Add(_temporary["none.db-wal"]));
        Assert.False(without.CanWatch);
        Assert.Equal(0, without.Add(_wal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_wait_ends_when_it_is_rung_for_before_or_after_it_has_begun(bool watches)
    {
        using WalWatch watch = watches ? WalWatch.Open() : WalWatch.WithoutWatches();
        using Barrier turn = new(2);
        Thread waiting = new(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                turn.SignalAndWait();
                watch.Wait(TimeSpan.FromHours(1), []);
            }
        });
        waiting.Start();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(turn.SignalAndWait(Patience));
            watch.Ring();
        }

        Assert.True(waiting.Join(Patience));
    }

    [Fact]
    public void More_events_than_the_kernel_keeps_mean_any_file()
    {
        const string limit = "/proc/sys/fs/inotify/max_queued_events";
        if (!OperatingSystem.IsLinux() || !File.Exists(limit))
        {
            return; // no queue to fill
        }

        using WalWatch watch = WalWatch.Open();
        for (int i = int.Parse(File.ReadAllText(limit), CultureInfo.InvariantCulture); i >= 0; i--)
        {
            watch.Remove(watch.Add(_wal));
        }

        Assert.Contains(WalWatch.Any, Ended(watch));
    }

    private static List<int> Ended(WalWatch watch)
    {
        List<int> all = [];
        int before;
        do
        {
            before = all.Count;
            watch.Wait(TimeSpan.Zero, all);
        }
        while (all.Count > before);

        return all;
    }
}
