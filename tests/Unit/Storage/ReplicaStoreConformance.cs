using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

/// <summary>What <see cref="IReplicaStore"/> promises, whatever stands behind it. A backend's test class derives from it.</summary>
public abstract class ReplicaStoreConformance
{
    protected static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, 123, TimeSpan.Zero);

    /// <summary>Opens the test's own place, the same at each call, which nothing was written to before the test.</summary>
    protected abstract IReplicaStore Open();

    [Fact]
    public async Task A_replica_that_does_not_exist_lists_as_empty()
    {
        await using IReplicaStore store = Open();
        for (int level = 0; level <= LtxFileName.SnapshotLevel; level++)
        {
            Assert.Empty(await ListAsync(store, level));
        }
    }

    [Fact]
    public async Task Two_thousand_files_are_listed_in_order_of_their_transactions()
    {
        const int count = 2000;
        ulong[] txids = [.. Enumerable.Range(1, count).Select(i => (ulong)i * 37)];
        new Random(1).Shuffle(txids);
        await using IReplicaStore store = Open();
        await Parallel.ForEachAsync(
            txids,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (txid, cancel) => await PutAsync(
                store, 0, new LtxFileName(txid, txid + (txid % 3)), Content((int)(txid % 50)), Noon.AddSeconds(txid), cancel));

        List<ReplicaFile> files = await ListAsync(store, 0);

        Array.Sort(txids);
        Assert.Equal(
            txids.Select(txid => new ReplicaFile(0, new LtxFileName(txid, txid + (txid % 3)), (long)(txid % 50), Noon.AddSeconds(txid))),
            files);
        Assert.Empty(await ListAsync(store, 1));
    }

    [Fact]
    public async Task Files_that_begin_alike_are_listed_shorter_range_first()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 1, new LtxFileName(1, 300), [1]);
        await PutAsync(store, 1, new LtxFileName(1, 20), [1]);
        await PutAsync(store, 1, new LtxFileName(2, 5), [1]);

        Assert.Equal([new(1, 20), new(1, 300), new(2, 5)], (await ListAsync(store, 1)).Select(file => file.Name));
    }

    [Theory]
    [InlineData(0, null, 0, 1000)]
    [InlineData(0, 100L, 0, 100)]
    [InlineData(900, null, 900, 100)]
    [InlineData(900, 5000L, 900, 100)]
    [InlineData(123, 456L, 123, 456)]
    [InlineData(999, 1L, 999, 1)]
    [InlineData(1000, null, 0, 0)]
    [InlineData(1000, 1L, 0, 0)]
    [InlineData(long.MaxValue, long.MaxValue, 0, 0)]
    [InlineData(0, 0L, 0, 0)]
    public async Task A_range_gives_exactly_its_bytes(long offset, long? length, int expectedStart, int expectedCount)
    {
        byte[] content = Content(1000);
        await using IReplicaStore store = Open();
        await PutAsync(store, 3, new LtxFileName(4, 9), content);

        byte[] read = await ReadAsync(store, 3, new LtxFileName(4, 9), offset, length);

        Assert.Equal(content[expectedStart..(expectedStart + expectedCount)], read);
    }

    [Fact]
    public async Task Content_written_in_pieces_of_every_size_comes_back_whole()
    {
        byte[] content = Content(3_000_017);
        Random random = new(7);
        await using IReplicaStore store = Open();
        await store.PutAsync(
            9,
            new LtxFileName(1, 1),
            Noon,
            null,
            async (stream, cancel) =>
            {
                for (int at = 0; at < content.Length;)
                {
                    int piece = Math.Min(content.Length - at, random.Next(3) == 0 ? random.Next(200_000) : random.Next(100));
                    if (random.Next(2) == 0)
                    {
                        await stream.WriteAsync(content.AsMemory(at, piece), cancel);
                    }
                    else
                    {
                        stream.Write(content, at, piece);
                    }

                    at += piece;
                }
            },
            CancellationToken.None);

        Assert.Equal(content, await ReadAsync(store, 9, new LtxFileName(1, 1), 0, null));
        Assert.Equal(content.Length, Assert.Single(await ListAsync(store, 9)).Size);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200_000)]
    public async Task A_file_is_not_there_before_its_turn_has_come(int length)
    {
        await using IReplicaStore store = Open();
        TaskCompletionSource turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task[] waiting = [.. Enumerable.Range(1, 3).Select(txid => PutInTurnAsync(store, new LtxFileName((ulong)txid, (ulong)txid), Content(length), turn.Task))];
        for (ulong txid = 11; txid <= 20; txid++)
        {
            await PutAsync(store, 0, new LtxFileName(txid, txid), Content(length)); // takes as long as they would have
        }

        Assert.Equal(10, (await ListAsync(store, 0)).Count);
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        turn.SetResult();
        await Task.WhenAll(waiting);
        Assert.Equal(13, (await ListAsync(store, 0)).Count);
        Assert.Equal(Content(length), await ReadAsync(store, 0, new LtxFileName(1, 1), 0, null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_whose_turn_does_not_come_leaves_nothing(bool isCancelled)
    {
        await using IReplicaStore store = Open();
        using CancellationTokenSource source = new();
        TaskCompletionSource turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task waiting = PutInTurnAsync(store, new LtxFileName(1, 1), Content(200_000), turn.Task, source.Token);
        await PutAsync(store, 1, new LtxFileName(1, 1), Content(200_000));
        if (isCancelled)
        {
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
        else
        {
            turn.SetException(new TimeoutException());
            await Assert.ThrowsAsync<TimeoutException>(() => waiting);
        }

        await AssertNothingVisibleAsync(store, new LtxFileName(1, 1));
    }

    [Fact]
    public async Task A_missing_file_is_said_to_be_missing()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), [1]);
        await PutAsync(store, 0, new LtxFileName(2, 2), [2]);
        await store.DeleteAsync(0, new LtxFileName(2, 2), CancellationToken.None);

        foreach ((int level, LtxFileName name) in new[] { (0, new LtxFileName(2, 2)), (0, new LtxFileName(1, 2)), (5, new LtxFileName(1, 1)) })
        {
            ReplicaFileNotFoundException error = await Assert.ThrowsAsync<ReplicaFileNotFoundException>(
                () => store.OpenReadAsync(level, name, 0, null, CancellationToken.None));
            Assert.Contains(name.ToString(), error.File, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_writer_that_fails_leaves_nothing_and_its_error_comes_through()
    {
        await using IReplicaStore store = Open();
        EndOfStreamException cause = new("the input ended early");

        EndOfStreamException error = await Assert.ThrowsAsync<EndOfStreamException>(() => store.PutAsync(
            0,
            new LtxFileName(1, 1),
            Noon,
            null,
            async (stream, cancel) =>
            {
                await stream.WriteAsync(Content(100_000), cancel);
                throw cause;
            },
            CancellationToken.None));

        Assert.Same(cause, error);
        await AssertNothingVisibleAsync(store, new LtxFileName(1, 1));
    }

    [Fact]
    public async Task A_cancelled_transfer_leaves_nothing()
    {
        await using IReplicaStore store = Open();
        using CancellationTokenSource source = new();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.PutAsync(
            0,
            new LtxFileName(1, 1),
            Noon,
            10,
            async (stream, cancel) =>
            {
                await stream.WriteAsync(Content(10), cancel);
                await source.CancelAsync();
            },
            source.Token));

        await AssertNothingVisibleAsync(store, new LtxFileName(1, 1));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(11)]
    public async Task Content_of_another_length_than_promised_is_refused(int length)
    {
        await using IReplicaStore store = Open();

        await Assert.ThrowsAsync<InvalidOperationException>(() => store.PutAsync(
            0, new LtxFileName(1, 1), Noon, 10, (stream, cancel) => stream.WriteAsync(Content(length), cancel).AsTask(), CancellationToken.None));

        await AssertNothingVisibleAsync(store, new LtxFileName(1, 1));
    }

    [Fact]
    public async Task A_second_file_of_the_same_name_replaces_the_first()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 2, new LtxFileName(1, 8), Content(5000));
        await PutAsync(store, 2, new LtxFileName(1, 8), Content(300), Noon.AddHours(1));

        Assert.Equal([new ReplicaFile(2, new LtxFileName(1, 8), 300, Noon.AddHours(1))], await ListAsync(store, 2));
        Assert.Equal(Content(300), await ReadAsync(store, 2, new LtxFileName(1, 8), 0, null));
    }

    [Fact]
    public async Task A_failed_replacement_leaves_the_first_file_as_it_was()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 2, new LtxFileName(1, 8), Content(5000));

        await Assert.ThrowsAsync<TimeoutException>(() => store.PutAsync(
            2, new LtxFileName(1, 8), Noon.AddHours(1), null, (_, _) => throw new TimeoutException(), CancellationToken.None));

        Assert.Equal([new ReplicaFile(2, new LtxFileName(1, 8), 5000, Noon)], await ListAsync(store, 2));
        Assert.Equal(Content(5000), await ReadAsync(store, 2, new LtxFileName(1, 8), 0, null));
    }

    [Fact]
    public async Task A_copy_stands_on_the_other_level_and_outlives_its_source()
    {
        byte[] content = Content(1000);
        LtxFileName name = new(4, 9);
        await using IReplicaStore store = Open();
        await PutAsync(store, 1, name, content);

        await store.CopyAsync(1, 2, name, Noon.AddHours(1), CancellationToken.None);
        await store.DeleteAsync(1, name, CancellationToken.None);

        Assert.Equal([new ReplicaFile(2, name, 1000, Noon.AddHours(1))], await ListAsync(store, 2));
        Assert.Equal(content, await ReadAsync(store, 2, name, 0, null));
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(() => store.CopyAsync(1, 2, name, Noon, CancellationToken.None));
        Assert.Equal(content, await ReadAsync(store, 2, name, 0, null));
    }

    [Fact]
    public async Task A_deleted_file_is_gone_and_deleting_it_again_is_no_error()
    {
        await using IReplicaStore store = Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), [1]);
        await PutAsync(store, 0, new LtxFileName(2, 2), [2]);

        await store.DeleteAsync(0, new LtxFileName(1, 1), CancellationToken.None);
        await store.DeleteAsync(0, new LtxFileName(1, 1), CancellationToken.None);
        await store.DeleteAsync(7, new LtxFileName(1, 1), CancellationToken.None);

        Assert.Equal(new LtxFileName(2, 2), Assert.Single(await ListAsync(store, 0)).Name);
    }

    [Fact]
    public async Task A_second_writer_is_refused_and_told_who_the_first_is()
    {
        await using IReplicaStore first = Open();
        await using IReplicaStore second = Open();
        ReplicaOwner owner = new("alpha", 4711, "/data/app.db", Noon);
        await using (await first.AcquireAsync(owner, CancellationToken.None))
        {
            ReplicaInUseException error = await Assert.ThrowsAsync<ReplicaInUseException>(
                () => second.AcquireAsync(owner with { Host = "beta" }, CancellationToken.None));

            Assert.Contains("alpha", error.Message, StringComparison.Ordinal);
            Assert.Contains("4711", error.Message, StringComparison.Ordinal);
            Assert.Contains("/data/app.db", error.Message, StringComparison.Ordinal);
            Assert.Contains("2026-03-04 12:00:00", error.Message, StringComparison.Ordinal);
            await PutAsync(first, 0, new LtxFileName(1, 1), [1]);
        }

        await using (await second.AcquireAsync(owner, CancellationToken.None))
        {
            await PutAsync(second, 0, new LtxFileName(2, 2), [2]);
            Assert.Equal(2, (await ListAsync(second, 0)).Count);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(10)]
    public async Task A_level_that_does_not_exist_is_an_argument_error(int level)
    {
        await using IReplicaStore store = Open();
        LtxFileName name = new(1, 1);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ListAsync(store, level));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => store.OpenReadAsync(level, name, 0, null, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => PutAsync(store, level, name, [1]));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => store.DeleteAsync(level, name, CancellationToken.None));
    }

    protected static byte[] Content(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    protected static Task PutAsync(
        IReplicaStore store,
        int level,
        LtxFileName name,
        byte[] content,
        DateTimeOffset? timestamp = null,
        CancellationToken cancellationToken = default) =>
        store.PutAsync(
            level,
            name,
            timestamp ?? Noon,
            content.Length,
            (stream, cancel) => stream.WriteAsync(content, cancel).AsTask(),
            cancellationToken);

    private static Task PutInTurnAsync(IReplicaStore store, LtxFileName name, byte[] content, Task turn, CancellationToken cancellationToken = default) =>
        store.PutInTurnAsync(0, name, Noon, content.Length, (stream, cancel) => stream.WriteAsync(content, cancel).AsTask(), turn, cancellationToken);

    protected static async Task<List<ReplicaFile>> ListAsync(IReplicaStore store, int level)
    {
        List<ReplicaFile> files = [];
        await foreach (ReplicaFile file in store.ListAsync(level, CancellationToken.None))
        {
            files.Add(file);
        }

        return files;
    }

    protected static async Task<byte[]> ReadAsync(IReplicaStore store, int level, LtxFileName name, long offset, long? length)
    {
        await using Stream stream = await store.OpenReadAsync(level, name, offset, length, CancellationToken.None);
        using MemoryStream content = new();
        await stream.CopyToAsync(content);
        return content.ToArray();
    }

    private static async Task AssertNothingVisibleAsync(IReplicaStore store, LtxFileName name)
    {
        Assert.Empty(await ListAsync(store, 0));
        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(() => store.OpenReadAsync(0, name, 0, null, CancellationToken.None));
    }
}
