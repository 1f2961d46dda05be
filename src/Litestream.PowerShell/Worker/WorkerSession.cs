using System.IO.Pipes;
using System.Text.Json;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// The worker's side of the pipe. Requests are served side by side, each with one reply. The end of the pipe, which the system closes
/// however the caller ended, is the order to do a last sync of everything and to end; so is SIGTERM.
/// </summary>
/// <param name="pipe">Connected to the caller.</param>
internal sealed class WorkerSession(PipeStream pipe) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Replicator> _replicators = [];
    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Serves until the pipe ends or the token is cancelled; then does a last sync and returns.</summary>
    /// <param name="terminate">Cancelled by a signal.</param>
    internal async Task RunAsync(CancellationToken terminate)
    {
        List<Task> serving = [];
        using StreamReader reader = new(pipe, leaveOpen: true);
        try
        {
            while (await reader.ReadLineAsync(terminate).ConfigureAwait(false) is { } line)
            {
                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(ServeAsync(WorkerProtocol.ReadRequest(line)));
            }
        }
        catch (OperationCanceledException) when (terminate.IsCancellationRequested)
        {
            // The last words are below.
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            // The caller was killed, or is of another version: the same as the end of the pipe.
        }

        Dictionary<int, ReplicationStatus> last = await StopAllAsync().ConfigureAwait(false);
        if (terminate.IsCancellationRequested)
        {
            await ReplyAsync(new WorkerReply(0) { Statuses = last }).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    private async Task ServeAsync(WorkerRequest request)
    {
        WorkerReply reply = new(request.Id);
        try
        {
            reply = reply with { Statuses = await CarryOutAsync(request).ConfigureAwait(false) };
        }
        catch (Exception exception)
        {
            reply = reply with { Failure = WorkerFailure.From(exception) };
        }

        await ReplyAsync(reply).ConfigureAwait(false);
    }

    private Task<IReadOnlyDictionary<int, ReplicationStatus>> CarryOutAsync(WorkerRequest request) => request.Kind switch
    {
        WorkerRequestKind.Start => StartAsync(request),
        WorkerRequestKind.Status => Task.FromResult<IReadOnlyDictionary<int, ReplicationStatus>>(Statuses()),
        WorkerRequestKind.Sync => SyncAsync(request.Key),
        WorkerRequestKind.Stop => StopAsync(request),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request.Kind, "The worker is older than its caller."),
    };

    private async Task<IReadOnlyDictionary<int, ReplicationStatus>> StartAsync(WorkerRequest request)
    {
        Replicator replicator = new(request.Options!);
        lock (_gate)
        {
            // Before it starts, so that the end of the session stops it too.
            _replicators.Add(request.Key, replicator);
        }

        Task starting = Task.Run(() => replicator.StartAsync(CancellationToken.None));
        await Task.WhenAny(starting, Task.Delay(request.Limit)).ConfigureAwait(false);
        if (starting.IsFaulted)
        {
            Forget(request.Key);
            await replicator.DisposeAsync().ConfigureAwait(false);
            await starting.ConfigureAwait(false);
        }

        // A later failure shows in the status.
        _ = starting.ContinueWith(
            task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return Status(request.Key, replicator);
    }

    private async Task<IReadOnlyDictionary<int, ReplicationStatus>> SyncAsync(int key)
    {
        Replicator replicator = Find(key);
        await replicator.SyncAsync(CancellationToken.None).ConfigureAwait(false);
        return Status(key, replicator);
    }

    private async Task<IReadOnlyDictionary<int, ReplicationStatus>> StopAsync(WorkerRequest request)
    {
        Replicator replicator = Find(request.Key);
        ReplicationStatus last = await OrderlyEnd.StopAsync(replicator, request.Limit).ConfigureAwait(false);
        Forget(request.Key);
        await replicator.DisposeAsync().ConfigureAwait(false);
        return new Dictionary<int, ReplicationStatus> { [request.Key] = last };
    }

    private async Task<Dictionary<int, ReplicationStatus>> StopAllAsync()
    {
        KeyValuePair<int, Replicator>[] all;
        lock (_gate)
        {
            all = [.. _replicators];
        }

        ReplicationStatus[] last = await Task.WhenAll(
            all.Select(entry => OrderlyEnd.StopAsync(entry.Value, WorkerProtocol.LastSyncLimit))).ConfigureAwait(false);
        return all.Zip(last, (entry, status) => (entry.Key, status)).ToDictionary();
    }

    private Replicator Find(int key)
    {
        lock (_gate)
        {
            return _replicators.TryGetValue(key, out Replicator? replicator)
                ? replicator
                : throw new ReplicationException(ErrorTable.ReplicationNotFound, "The replication has been stopped already.");
        }
    }

    private void Forget(int key)
    {
        lock (_gate)
        {
            _replicators.Remove(key);
        }
    }

    private Dictionary<int, ReplicationStatus> Statuses()
    {
        lock (_gate)
        {
            return _replicators.ToDictionary(entry => entry.Key, entry => entry.Value.Status);
        }
    }

    private static Dictionary<int, ReplicationStatus> Status(int key, Replicator replicator) => new() { [key] = replicator.Status };

    private async Task ReplyAsync(WorkerReply reply)
    {
        byte[] line = [.. System.Text.Encoding.UTF8.GetBytes(WorkerProtocol.Line(reply)), (byte)'\n'];
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await pipe.WriteAsync(line).ConfigureAwait(false);
            await pipe.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The caller has ended and needs no answer; the reading side sees it too and ends the session.
        }
        finally
        {
            _writing.Release();
        }
    }
}
