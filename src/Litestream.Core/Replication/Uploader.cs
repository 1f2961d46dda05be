using System.Buffers;
using System.Globalization;
using Litestream.Maintenance;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Sends staged files to one destination, several side by side where they wait, so that they become visible there in the order of their
/// transaction ids, none before those it builds on. Failures are tried again until they pass.
/// </summary>
/// <remarks>
/// Order: each file's turn to become visible is the end of the sending of the one before it, which is when the store has said that it has that one,
/// durably, and the state says so too. Until then the store has done everything but the last step (<see cref="IReplicaStore.PutInTurnAsync"/>):
/// the temporary file lacks its name, the parts their completion, the request its last byte. So at any moment at most one file, the first of those
/// on their way, can become visible.
/// <para>
/// Failures: if the first fails, those behind it lack their last step and never make it. They are cancelled, and nothing is sent again before each of
/// them has ended. The first may have arrived all the same (the answer was lost), or the place may have come back as another one
/// (a disk mounted anew). So after a failure the replica is listed once before anything is sent: it must end where we left it, or
/// with the very file that failed, which is then sent again over itself, alone. If it ends anywhere else, nothing is written: this
/// ends and the lineage is proven from the start. One further behind that fails before its turn holds up those behind it, and counts as failed
/// when the ones before it have arrived. A lease that is lost, or the end of the replication, cancels all of them alike.
/// </para>
/// <para>
/// Crashes: the replica ends with a transaction of ours, behind which nothing is visible, and everything behind it is still staged. What had not become
/// visible is dropped by the server with its connection, or is a temporary file or parts that the next writer clears away.
/// </para>
/// </remarks>
internal sealed class Uploader(
    IReplicaStore store, LocalStateFolder folder, StagingArea staging, DestinationBoard board, ReplicationOptions options, TimeProvider time)
{
    /// <summary>Bytes of files that are on their way side by side, since a store may hold each in memory. One file alone may be larger.</summary>
    private const long MaxBytesAtOnce = 16 << 20;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);

    /// <summary>So long without a byte taken or an answer, and the state says so. The store gives up later, by its own limits.</summary>
    private static readonly TimeSpan StallTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StallCheck = TimeSpan.FromSeconds(2.5);

    private readonly Lock _gate = new();
    private ReplicaCatalogue? _catalogue;
    private volatile bool _failing;
    private TimeSpan _pause;
    private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The last transaction that is in the replica.</summary>
    public ulong ReplicaTxid { get; private set; }

    /// <summary>Sends until cancelled.</summary>
    /// <param name="cursor">What is to be sent.</param>
    /// <param name="replicaTxid">Where the replica ends now.</param>
    /// <param name="catalogue">Told each file that has arrived.</param>
    /// <param name="cancellationToken">Ends it; a file is sent whole or not at all.</param>
    /// <exception cref="ReplicaConflictException">The replica is another than the one that we left.</exception>
    /// <exception cref="ReplicaInUseException">Another replicator has taken it over.</exception>
    /// <exception cref="DestinationLetGoException">What waited for it is held no more.</exception>
    /// <exception cref="LocalStateException">A staged file cannot be read.</exception>
    public async Task RunAsync(StagingCursor cursor, ulong replicaTxid, ReplicaCatalogue catalogue, CancellationToken cancellationToken)
    {
        _catalogue = catalogue;
        _failing = false;
        _pause = FirstRetry;
        Advance(replicaTxid);
        while (true)
        {
            try
            {
                if (_failing)
                {
                    StagedFile failed = await staging.NextAsync(cursor, behind: null, cancellationToken).ConfigureAwait(false) ?? throw LetGo();
                    await EnsureUnchangedAsync(failed, cancellationToken).ConfigureAwait(false);
                }

                await SendInOrderAsync(cursor, cancellationToken).ConfigureAwait(false);
            }
            catch (LitestreamException e) when (MayPass(e) && !cancellationToken.IsCancellationRequested)
            {
                _failing = true;
                board.Fail(e);
                await Task.Delay(_pause * (0.75 + (0.5 * Random.Shared.NextDouble())), time, cancellationToken).ConfigureAwait(false);
                _pause = _pause * 2 < options.MaxRetryInterval ? _pause * 2 : options.MaxRetryInterval;
            }
        }
    }

    /// <summary>Completes when the replica has a transaction.</summary>
    /// <param name="txid">The transaction id.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task WaitForAsync(ulong txid, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                if (ReplicaTxid >= txid)
                {
                    return;
                }

                progress = _progress.Task;
            }

            await progress.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool MayPass(LitestreamException e) =>
        e is not (ReplicaConflictException or ReplicaInUseException or LocalStateException or DestinationLetGoException);

    private DestinationLetGoException LetGo() => new(
        $"'{store.Location}' took nothing for so long that what waited for it was given up, so that '{folder.DatabasePath}' goes on to its other destinations. What the replica holds stays as it is (up to transaction {ReplicaTxid}); it gets a full image as soon as it can be reached.")
    { Database = folder.DatabasePath, Replica = store.Location, Txid = ReplicaTxid };

    /// <summary>Sends what waits and what comes, until one of them fails.</summary>
    private async Task SendInOrderAsync(StagingCursor cursor, CancellationToken cancellationToken)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Queue<(StagedFile File, Task Sending)> underway = new();
        StagedFile? last = null;
        Task turn = Task.CompletedTask;
        try
        {
            while (true)
            {
                Task<StagedFile?> next = staging.NextAsync(cursor, last, end.Token);
                await WaitForRoomAsync(underway, next).ConfigureAwait(false);
                last = await next.ConfigureAwait(false) ?? throw LetGo();
                turn = SendAsync(cursor, last, turn, end.Token);
                underway.Enqueue((last, turn));
            }
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(underway.Select(file => file.Sending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Returns when the next file may go beside those that are on their way. Throws, in their order, if one of them has failed.</summary>
    private async Task WaitForRoomAsync(Queue<(StagedFile File, Task Sending)> underway, Task<StagedFile?> next)
    {
        while (underway.TryPeek(out (StagedFile File, Task Sending) first))
        {
            if (first.Sending.IsCompleted)
            {
                underway.Dequeue();
                await first.Sending.ConfigureAwait(false);
            }
            else if (!next.IsCompleted)
            {
                await Task.WhenAny(first.Sending, next).ConfigureAwait(false);
            }
            else if (await next.ConfigureAwait(false) is { } file && !HasRoom(underway, file))
            {
                await first.Sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            else
            {
                return;
            }
        }
    }

    // While the place fails or does not answer, it gets no more than the one that it must take first.
    private bool HasRoom(Queue<(StagedFile File, Task Sending)> underway, StagedFile file) => !_failing
        && underway.Count < store.Concurrency && underway.Sum(other => other.File.Length) + file.Length <= MaxBytesAtOnce;

    private async Task SendAsync(StagingCursor cursor, StagedFile file, Task turn, CancellationToken cancellationToken)
    {
        string path = folder.StagedPath(file.Name);
        long given = 0;
        Task sending = store.PutInTurnAsync(
            level: 0,
            file.Name,
            file.Timestamp,
            file.Length,
            async (target, cancel) =>
            {
                FileStream source = OpenStaged(path);
                await using (source.ConfigureAwait(false))
                {
                    await CopyAsync(source, target, count => Interlocked.Add(ref given, count), cancel).ConfigureAwait(false);
                }
            },
            turn,
            cancellationToken);
        await Task.WhenAny(sending, turn).ConfigureAwait(false);
        await TellOfStallsAsync(sending, () => Interlocked.Read(ref given)).ConfigureAwait(false);
        _catalogue!.Add(new ReplicaFile(0, file.Name, file.Length, file.Timestamp));
        staging.MarkUploaded(cursor);
        _pause = FirstRetry;
        if (_failing)
        {
            _failing = false;
            board.Enter(ReplicationState.Streaming);
        }

        board.Update(status => status with
        {
            FilesUploaded = status.FilesUploaded + 1,
            BytesUploaded = status.BytesUploaded + file.Length,
            LastSyncAt = staging.HasTakenAll(cursor) ? time.GetUtcNow() : status.LastSyncAt,
        });
        Advance(file.Txid); // last: who waits for it finds a state in which all is said
    }

    // A place that neither refuses nor answers looks like one that works; without this the state would go on saying so for a minute.
    private async Task TellOfStallsAsync(Task sending, Func<long> given)
    {
        (long bytes, long since) = (0, time.GetTimestamp());
        while (!sending.IsCompleted)
        {
            try
            {
                await sending.WaitAsync(StallCheck, time).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!sending.IsCompleted)
            {
                if (given() is var now && now != bytes)
                {
                    (bytes, since) = (now, time.GetTimestamp());
                }
                else if (time.GetElapsedTime(since) is var silent && silent >= StallTime)
                {
                    _failing = true;
                    board.Enter(ReplicationState.Retrying, string.Create(
                        CultureInfo.InvariantCulture,
                        $"the replica's place has not answered for {silent.TotalSeconds:0} s; what is captured waits here"));
                }
            }
        }

        await sending.ConfigureAwait(false);
    }

    private static async Task CopyAsync(FileStream source, Stream target, Action<int> given, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(source.Length, 4096, 1 << 20));
        try
        {
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                given(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A staged file that is gone does not come back: the session ends, and the next one captures anew what it held.
    private FileStream OpenStaged(string path)
    {
        try
        {
            return new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw folder.Failure("read", e);
        }
    }

    private async Task EnsureUnchangedAsync(StagedFile next, CancellationToken cancellationToken)
    {
        ReplicaLineage replica = await ReplicaLineage.ReadAsync(store, cancellationToken).ConfigureAwait(false);
        if (replica.HeadTxid != ReplicaTxid && replica.HeadTxid != next.Txid)
        {
            throw replica.Conflict(folder.DatabasePath, $"does not end with transaction {ReplicaTxid}, where we left it");
        }
    }

    private void Advance(ulong txid)
    {
        TaskCompletionSource passed;
        lock (_gate)
        {
            ReplicaTxid = txid;
            passed = _progress;
            _progress = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        board.Update(status => status with { ReplicaTxid = txid });
        passed.TrySetResult();
    }
}
