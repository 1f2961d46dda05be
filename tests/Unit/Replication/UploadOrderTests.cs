using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Files that wait go up side by side, and are seen one behind the other.</summary>
public sealed class UploadOrderTests : IDisposable
{
    private const int Small = 5000;

    private readonly TemporaryFolder _temporary = new();
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private readonly HeldStore _store;
    private readonly StagedBacklog _backlog;

    public UploadOrderTests()
    {
        _store = new HeldStore(ReplicaLocation.Parse(_temporary["replica"]).Open());
        _backlog = new StagedBacklog(_temporary["app.db"], _store);
    }

    public void Dispose()
    {
        _end.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public async Task Those_behind_the_first_are_on_their_way_and_appear_when_it_has()
    {
        HoldFirst();
        _backlog.Add(Enumerable.Repeat(Small, 10));
        Task sending = _backlog.RunAsync(_end.Token);
        await Until.HoldsAsync(() => _store.Written.Length == _store.Concurrency, () => string.Join(' ', _store.Written));

        Assert.Equal(Transactions(4), _store.Written.Order());
        Assert.Equal((0ul, 0), (_backlog.Board.Status.ReplicaTxid, Visible().Length));
        Assert.Equal(4, Directory.GetFiles(Level0, "*.tmp").Length);

        _held.SetResult();
        await _backlog.Uploader.WaitForAsync(10, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(Transactions(10), _store.Arrived);
        Assert.Equal(4, _store.Most.Files);
        await EndAsync(sending);
        AllAreWhole();
    }

    [Fact]
    public async Task What_is_captured_while_one_is_on_its_way_goes_beside_it()
    {
        HoldFirst();
        _backlog.Add(Small);
        Task sending = _backlog.RunAsync(_end.Token);
        await Until.HoldsAsync(() => _store.Written.Length == 1);
        _backlog.Add(Small);
        await Until.HoldsAsync(() => _store.Written.Length == 2);
        Assert.Empty(Visible());
        _held.SetResult();
        await _backlog.Uploader.WaitForAsync(2, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
        await EndAsync(sending);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task If_the_first_fails_none_behind_it_appears_and_all_are_sent_again_in_order(bool arrives)
    {
        HoldFirst();
        List<string[]> seen = [];
        _store.Listing = () => seen.Add(Everything());
        _backlog.Add(Enumerable.Repeat(Small, 10));
        Task sending = _backlog.RunAsync(_end.Token);
        await Until.HoldsAsync(() => _store.Written.Length == 4);
        if (arrives)
        {
            _store.After = txid =>
            {
                _store.After = _ => { };
                throw new ReplicaUnreachableException("The answer was lost.");
            };
            _held.SetResult();
        }
        else
        {
            _store.Before = _ => Task.CompletedTask;
            _held.SetException(new ReplicaUnreachableException("It does not answer."));
        }

        await _backlog.Uploader.WaitForAsync(10, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("ReplicaUnreachable", _backlog.Board.Status.LastErrorId);
        Assert.Equal(arrives ? ["0000000000000001-0000000000000001.ltx"] : [], seen[0]); // when they have all ended, before anything is sent
        Assert.Equal(Transactions(10), _store.Arrived);
        Assert.Equal(ReplicationState.Streaming, _backlog.Board.Status.State);
        await EndAsync(sending);
        AllAreWhole();
    }

    [Fact]
    public async Task One_that_fails_before_its_turn_is_said_when_the_ones_before_it_have_arrived()
    {
        HoldFirst();
        bool failed = false;
        TaskCompletionSource fails = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<ulong, Task> hold = _store.Before;
        _store.Before = txid =>
        {
            if (txid != 3 || failed)
            {
                return hold(txid);
            }

            failed = true;
            fails.SetResult();
            throw new ReplicaUnreachableException("It does not answer.");
        };
        ulong[] arrivedBefore = [];
        _store.Listing = () => arrivedBefore = arrivedBefore.Length == 0 ? _store.Arrived : arrivedBefore;
        _backlog.Add(Enumerable.Repeat(Small, 6));
        Task sending = _backlog.RunAsync(_end.Token);
        await fails.Task;
        Assert.Null(_backlog.Board.Status.LastErrorId);
        _held.SetResult();

        await _backlog.Uploader.WaitForAsync(6, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal([1, 2], arrivedBefore);
        Assert.Equal("ReplicaUnreachable", _backlog.Board.Status.LastErrorId);
        Assert.Equal(Transactions(6), _store.Arrived);
        await EndAsync(sending);
    }

    [Fact]
    public async Task An_end_in_the_middle_leaves_nothing_of_those_that_had_not_appeared()
    {
        HoldFirst();
        _backlog.Add(Enumerable.Repeat(Small, 10));
        Task sending = _backlog.RunAsync(_end.Token);
        await Until.HoldsAsync(() => _store.Written.Length == 4);

        await EndAsync(sending);

        Assert.Empty(Everything());
        Assert.Empty(_store.Arrived);
    }

    [Fact]
    public async Task Many_bytes_go_by_themselves()
    {
        const int Megabyte = 1 << 20;
        int[] lengths = [5 * Megabyte, 5 * Megabyte, 5 * Megabyte, 5 * Megabyte, 20 * Megabyte, Small, 15 * Megabyte, Megabyte, Megabyte, Small, Small, Small];
        _backlog.Add(lengths);
        await _backlog.SendAllAsync();
        Assert.InRange(_store.Most.Bytes, 2, 16 * Megabyte);
        Assert.InRange(_store.Most.Files, 2, 4);
        Assert.Equal(Transactions(lengths.Length), _store.Arrived);
    }

    private string Level0 => _temporary["replica", "ltx", "0"];

    private void HoldFirst() => _store.Before = txid => txid == 1 ? _held.Task : Task.CompletedTask;

    private static ulong[] Transactions(int count) => [.. Enumerable.Range(1, count).Select(txid => (ulong)txid)];

    private string[] Visible() => Directory.GetFiles(Level0, "*.ltx");

    private string[] Everything() => [.. Directory.GetFiles(Level0).Select(path => Path.GetFileName(path))];

    private async Task EndAsync(Task sending)
    {
        await _end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    private void AllAreWhole()
    {
        string[] files = [.. Everything().Order()];
        Assert.Equal((int)_backlog.Captured, files.Length);
        for (int i = 0; i < files.Length; i++)
        {
            Assert.Equal(StagedBacklog.Content((ulong)i + 1, Small), File.ReadAllBytes(Path.Combine(Level0, files[i])));
        }
    }
}
