using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>The asking side of a connection to a process that replicates. Thread-safe; requests may overlap.</summary>
/// <param name="stream">Connected by the time of <see cref="Open"/>; the caller closes it.</param>
[SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle nobody takes holds nothing; one that is gone would fail late senders.")]
internal sealed class WorkerChannel(Stream stream)
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<WorkerReply>> _waiting = [];
    private readonly SemaphoreSlim _writing = new(1);
    private long _lastId;
    private volatile Exception? _failure;

    /// <summary>Completes when nothing more can come: with null, or with what was wrong about the other side's last line.</summary>
    internal Task<string?> Ended { get; private set; } = Task.FromResult<string?>(null);

    /// <summary>What a worker that ended on a signal said last; null if it said nothing.</summary>
    internal IReadOnlyDictionary<int, ReplicationStatus>? LastWords { get; private set; }

    /// <summary>Begins to read replies.</summary>
    internal void Open() => Ended = Task.Run(ReadAsync);

    /// <summary>Asks something and waits for the answer.</summary>
    /// <param name="kind">What.</param>
    /// <param name="configure">Completes the request; null where there is nothing to complete.</param>
    /// <param name="cancellationToken">Gives up waiting; the other side goes on with it.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="ReplicationException">It was refused.</exception>
    /// <exception cref="IOException">The other side is gone.</exception>
    internal async Task<WorkerReply> AskAsync(
        WorkerRequestKind kind, Func<WorkerRequest, WorkerRequest>? configure, CancellationToken cancellationToken)
    {
        WorkerRequest request = new(Interlocked.Increment(ref _lastId), kind);
        request = configure?.Invoke(request) ?? request;
        TaskCompletionSource<WorkerReply> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[request.Id] = answer;
        try
        {
            // After the entry, so that the end of the other side either sees the entry or is seen here.
            if (_failure is { } failure)
            {
                throw failure;
            }

            await SendAsync(request, cancellationToken).ConfigureAwait(false);
            WorkerReply reply = await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return reply.Failure is { } refusal ? throw refusal.ToException() : reply;
        }
        finally
        {
            _waiting.TryRemove(request.Id, out _);
        }
    }

    /// <summary>Lets whoever waits, and whoever asks from now on, hear why there is no answer.</summary>
    /// <param name="failure">Why.</param>
    internal void Fail(Exception failure)
    {
        _failure = failure;
        foreach (TaskCompletionSource<WorkerReply> answer in _waiting.Values)
        {
            answer.TrySetException(failure);
        }
    }

    private async Task SendAsync(WorkerRequest request, CancellationToken cancellationToken)
    {
        byte[] line = [.. Encoding.UTF8.GetBytes(WorkerProtocol.Line(request)), (byte)'\n'];
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Never half a line: a cancelled caller is not the last one.
            await stream.WriteAsync(line, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException exception)
        {
            throw new IOException("The connection is closed.", exception);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task<string?> ReadAsync()
    {
        try
        {
            LineReader reader = new(stream, LineReader.MaxReplyLine);
            while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
            {
                WorkerReply reply = WorkerProtocol.ReadReply(line);
                if (reply.Id == 0)
                {
                    LastWords = reply.Statuses;
                }
                else if (_waiting.TryGetValue(reply.Id, out TaskCompletionSource<WorkerReply>? answer))
                {
                    answer.TrySetResult(reply);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The stream is gone: the same as its end.
        }
        catch (JsonException exception)
        {
            return exception.Message;
        }

        return null;
    }
}
