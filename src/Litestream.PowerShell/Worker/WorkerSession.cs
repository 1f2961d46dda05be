using System.Text.Json;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// The worker's side of one connection. Requests are served side by side, each with one reply, until the other side closes.
/// </summary>
/// <param name="stream">Connected to a caller.</param>
/// <param name="replications">What this process replicates.</param>
/// <param name="owner">The caller is the process that started this one: it alone may start replications, and those that it stops are
/// forgotten, while one that somebody else has stopped is kept for its owner to see.</param>
internal sealed class WorkerSession(Stream stream, HostedReplications replications, bool owner) : IDisposable
{
    private static readonly TimeSpan LastRepliesLimit = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Serves until the other side closes, breaks the protocol, or the token is cancelled.</summary>
    /// <param name="terminate">Ends it.</param>
    internal async Task RunAsync(CancellationToken terminate)
    {
        List<Task> serving = [];
        LineReader reader = new(stream, owner ? LineReader.MaxOwnerLine : LineReader.MaxControlLine);
        try
        {
            while (await reader.ReadAsync(terminate).ConfigureAwait(false) is { } line)
            {
                serving.RemoveAll(task => task.IsCompleted);
                serving.Add(ServeAsync(WorkerProtocol.ReadRequest(line)));
            }
        }
        catch (OperationCanceledException) when (terminate.IsCancellationRequested)
        {
            // The process ends.
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            // The caller was killed, or is of another version: the same as the end of the stream.
        }

        // What has just been done is said; what waits, for a replica perhaps, is not waited for.
        await Task.WhenAny(Task.WhenAll(serving), Task.Delay(LastRepliesLimit, CancellationToken.None)).ConfigureAwait(false);
    }

    /// <summary>Tells the caller how everything was at the end.</summary>
    /// <param name="last">Last statuses, by number.</param>
    internal Task SayLastWordsAsync(IReadOnlyDictionary<int, ReplicationStatus> last) => ReplyAsync(new WorkerReply(0) { Statuses = last });

    /// <inheritdoc/>
    public void Dispose() => _writing.Dispose();

    private async Task ServeAsync(WorkerRequest request)
    {
        WorkerReply reply = new(request.Id);
        try
        {
            reply = request.Kind == WorkerRequestKind.Metrics
                ? reply with { Metrics = replications.ReadMetrics() }
                : reply with { Statuses = await CarryOutAsync(request).ConfigureAwait(false) };
        }
        catch (Exception exception)
        {
            reply = reply with { Failure = WorkerFailure.From(exception) };
        }

        await ReplyAsync(reply).ConfigureAwait(false);
    }

    private async Task<IReadOnlyDictionary<int, ReplicationStatus>> CarryOutAsync(WorkerRequest request)
    {
        if (request.Kind == WorkerRequestKind.Status)
        {
            return replications.Statuses(ended: owner);
        }

        HostedReplication replication = request.Kind == WorkerRequestKind.Start
            ? await StartAsync(request).ConfigureAwait(false)
            : replications.Find(request.Key);
        switch (request.Kind)
        {
            case WorkerRequestKind.Start:
                break;
            case WorkerRequestKind.Sync:
                await replication.SyncAsync(CancellationToken.None).ConfigureAwait(false);
                break;
            case WorkerRequestKind.Suspend:
                await replication.SuspendAsync(request.Limit).ConfigureAwait(false);
                break;
            case WorkerRequestKind.Resume:
                await replication.ResumeAsync(request.Limit).ConfigureAwait(false);
                break;
            case WorkerRequestKind.Stop:
                await StopAsync(request, replication).ConfigureAwait(false);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(request), request.Kind, "The worker is older than its caller.");
        }

        return new Dictionary<int, ReplicationStatus> { [request.Key] = replications.Status(replication) };
    }

    private async Task<HostedReplication> StartAsync(WorkerRequest request)
    {
        if (!owner)
        {
            throw new ReplicationException(ErrorTable.ReplicationNotFound, "A replication is started by its own process alone.");
        }

        if (request.Observation is { } observation)
        {
            replications.Observers.Open(observation);
        }

        HostedReplication replication = replications.Start(request.Key, request.Options!);
        try
        {
            await replication.WaitForStartAsync(request.Limit).ConfigureAwait(false);
        }
        catch
        {
            await replications.ForgetAsync(request.Key).ConfigureAwait(false);
            throw;
        }

        return replication;
    }

    private async Task StopAsync(WorkerRequest request, HostedReplication replication)
    {
        replication.StoppedByOther |= !owner;
        await replication.StopAsync(request.Limit).ConfigureAwait(false);
        if (owner)
        {
            await replications.ForgetAsync(request.Key).ConfigureAwait(false);
        }
    }

    private async Task ReplyAsync(WorkerReply reply)
    {
        byte[] line = [.. System.Text.Encoding.UTF8.GetBytes(WorkerProtocol.Line(reply)), (byte)'\n'];
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(line).ConfigureAwait(false);
            await stream.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The caller has ended and needs no answer; the reading side sees it too and ends the session.
        }
        finally
        {
            _writing.Release();
        }
    }
}
