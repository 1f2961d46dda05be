using System.Globalization;
using Litestream.Replication;
using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>
/// Looks at a replication while it runs: what its state says of the replica is never more than what is there, seen past all faults; an
/// error that is tried again is named; memory stays flat.
/// </summary>
internal sealed class TruthWatch : IAsyncDisposable
{
    private const long MaxGrowth = 64 << 20;

    private readonly Replicator _replicator;
    private readonly S3Location _place;
    private readonly CancellationTokenSource _end = new();
    private readonly List<long> _heap = [];
    private readonly HashSet<string> _said = [];
    private readonly Task _watching;
    private int _looks;

    /// <summary>Begins.</summary>
    /// <param name="replicator">Looked at.</param>
    /// <param name="place">Its replica, by a way without faults.</param>
    public TruthWatch(Replicator replicator, S3Location place)
    {
        (_replicator, _place) = (replicator, place);
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Ends it, fails if the state ever said what was not so, or memory grew; returns what was seen.</summary>
    public async Task<string> EndAsync()
    {
        await _end.CancelAsync();
        await _watching;
        long[] first = [.. _heap.Take(_heap.Count / 3)];
        long[] last = [.. _heap.Skip(_heap.Count * 2 / 3)];
        Assert.True(first.Length > 0 && last.Max() - first.Max() < MaxGrowth, $"live memory grew: {string.Join(' ', _heap.Select(bytes => bytes >> 10))} KiB");
        Assert.True(_looks > 0, "the replica was never seen");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"live memory {first.Max() >> 10} KiB in the first third, {last.Max() >> 10} KiB in the last; {_looks} looks at the replica; said: {string.Join(", ", _said)}");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await ((Task)_watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        ulong last = 0;
        await using IReplicaStore store = _place.Open();
        while (!_end.IsCancellationRequested)
        {
            ReplicationStatus now = _replicator.Status;
            Assert.InRange(now.ReplicaTxid, last, now.CapturedTxid);
            last = now.ReplicaTxid;
            if (now.State == ReplicationState.Retrying)
            {
                _said.Add(now.LastErrorId!);
                Assert.NotNull(now.LastError);
            }

            await LookAsync(store, now.ReplicaTxid);
            _heap.Add(GC.GetTotalMemory(forceFullCollection: true));
            await Task.Delay(500, _end.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task LookAsync(IReplicaStore store, ulong said)
    {
        try
        {
            ulong head = 0;
            foreach (int level in new[] { 9, 0 })
            {
                await foreach (ReplicaFile file in store.ListAsync(level, _end.Token))
                {
                    head = Math.Max(head, file.Name.MaxTxid);
                }
            }

            Assert.True(head >= said, $"the state said {said}, but the replica ends with {head}");
            _looks++;
        }
        catch (Exception e) when (e is ReplicaUnreachableException or OperationCanceledException)
        {
            // the gateway itself is gone just now, or the watch ends
        }
    }
}
