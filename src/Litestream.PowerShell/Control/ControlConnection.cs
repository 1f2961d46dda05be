using System.Diagnostics;
using System.Net.Sockets;
using Litestream.Diagnostics;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Control;

/// <summary>A connection to another process of this user that replicates.</summary>
internal sealed class ControlConnection : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    private readonly NetworkStream _stream;
    private readonly WorkerChannel _channel;

    private ControlConnection(int processId, NetworkStream stream)
    {
        ProcessId = processId;
        _stream = stream;
        _channel = new WorkerChannel(stream);
        _channel.Open();
        _ = FailWhenEndedAsync();
    }

    /// <summary>The other process.</summary>
    internal int ProcessId { get; }

    /// <summary>
    /// Connects to all of them, but for some, and asks how they are. The socket of a process that is gone is removed; a process that
    /// does not answer is named in a message and left out.
    /// </summary>
    /// <param name="except">Processes that are known already.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What they replicate, and what could not be asked, one sentence each.</returns>
    internal static async Task<(IReadOnlyList<ControlledReplication> Found, IReadOnlyList<string> Silent)> ListAsync(
        IReadOnlySet<int> except, CancellationToken cancellationToken)
    {
        List<ControlledReplication> found = [];
        List<string> silent = [];
        IReadOnlyList<(int ProcessId, string Socket)> sockets;
        try
        {
            sockets = ControlFolder.Sockets();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ([], [$"What other sessions replicate is not known: {exception.Message}"]);
        }

        foreach ((int processId, string socket) in sockets.Where(entry => !except.Contains(entry.ProcessId)))
        {
            ControlConnection? connection = null;
            try
            {
                connection = await ConnectAsync(processId, socket, cancellationToken).ConfigureAwait(false);
                if (connection is not null)
                {
                    found.AddRange(await connection.StatusAsync(cancellationToken).ConfigureAwait(false));
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or LitestreamException)
            {
                silent.Add($"Process {processId} replicates, but what it does is not known: {exception.Message}");
                if (connection is not null)
                {
                    await connection.DisposeAsync().ConfigureAwait(false);
                }
            }
        }

        return (found, silent);
    }

    /// <summary>Asks something about a replication, or all.</summary>
    internal async Task<IReadOnlyDictionary<int, ReplicationStatus>> AskAsync(
        WorkerRequestKind kind, Func<WorkerRequest, WorkerRequest>? configure, CancellationToken cancellationToken) =>
        (await RequestAsync(kind, configure, cancellationToken).ConfigureAwait(false)).Statuses;

    /// <summary>What the process has measured since it began.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    internal async Task<IReadOnlyList<MetricSample>> ReadMetricsAsync(CancellationToken cancellationToken) =>
        (await RequestAsync(WorkerRequestKind.Metrics, null, cancellationToken).ConfigureAwait(false)).Metrics ?? [];

    private async Task<WorkerReply> RequestAsync(
        WorkerRequestKind kind, Func<WorkerRequest, WorkerRequest>? configure, CancellationToken cancellationToken)
    {
        try
        {
            return await _channel.AskAsync(kind, configure, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new ReplicationException(
                ErrorTable.WorkerEnded,
                $"The process {ProcessId} that replicates has ended, or has closed the connection. The database is untouched; whether "
                + "its last sync was done, a look at the replica tells (Get-SqliteReplica).",
                exception);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<ControlConnection?> ConnectAsync(int processId, string path, CancellationToken cancellationToken)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            if (!PeerCredentials.IsOurUser(socket))
            {
                throw new IOException("it is a process of another user, and was not talked to.");
            }

            return new ControlConnection(processId, new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException exception) when (
            exception.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable or SocketError.HostNotFound)
        {
            socket.Dispose();
            if (!IsRunning(processId))
            {
                // Left by a process that was killed. Its number may be taken again at any time, but then that process makes its own.
                File.Delete(path);
            }

            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsRunning(int processId)
    {
        try
        {
            using Process process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private async Task<IEnumerable<ControlledReplication>> StatusAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            IReadOnlyDictionary<int, ReplicationStatus> statuses = await AskAsync(WorkerRequestKind.Status, null, limit.Token).ConfigureAwait(false);
            return statuses.Select(entry => new ControlledReplication(entry.Key, this, entry.Value));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it has not answered for {AnswerLimit.TotalSeconds:0} s.");
        }
    }

    private async Task FailWhenEndedAsync()
    {
        string? malformed = await _channel.Ended.ConfigureAwait(false);
        _channel.Fail(new IOException(malformed is null ? "it has closed the connection." : $"it answered {malformed}"));
    }
}
