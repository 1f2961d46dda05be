using Litestream.Storage;

namespace Litestream.Tests.S3;

/// <summary>Lists a bucket's captured files without a pause, and holds each listing to what a reader may rely on: none is there without the one before it.</summary>
internal sealed class BucketWatch : IAsyncDisposable
{
    private readonly S3Location _place;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;
    private int _head;

    /// <summary>Begins.</summary>
    /// <param name="place">The replica, by a way without faults.</param>
    public BucketWatch(S3Location place)
    {
        _place = place;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Listings that differed from the one before.</summary>
    public int Changes { get; private set; }

    /// <summary>Ends it; fails if it ever saw a gap, or a file vanish.</summary>
    public async Task EndAsync()
    {
        await _end.CancelAsync();
        await _watching;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await ((Task)_watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task WatchAsync()
    {
        await using IReplicaStore store = _place.Open();
        while (!_end.IsCancellationRequested)
        {
            List<ulong> seen = [];
            await foreach (ReplicaFile file in store.ListRoughlyAsync(0, CancellationToken.None))
            {
                seen.Add(file.Name.MaxTxid);
            }

            Assert.Equal(Enumerable.Range(1, seen.Count).Select(txid => (ulong)txid), seen);
            Assert.True(seen.Count >= _head, $"{_head} files were there, and then {seen.Count}");
            Changes += seen.Count > _head ? 1 : 0;
            _head = seen.Count;
        }
    }
}
