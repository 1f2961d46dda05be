using System.Net.Sockets;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Control;

/// <summary>
/// Lets the same user's other sessions see, sync, suspend, resume and stop what this process replicates, through a Unix socket.
/// </summary>
/// <remarks>
/// Nobody else gets in, on Unix for two reasons each of which is enough: the socket lies in a folder that only its owner can enter, and the
/// kernel's word on who has connected is asked before a byte is read. Windows has no such word to ask for. There the folder's access list
/// is the one safeguard, and who connects must have the right to write to the socket's file, which that list gives to this user,
/// SYSTEM and Administrators. A request is a few numbers and bounded; connections are too. The
/// socket's file goes with the server; one that a killed process has left is removed by whoever next finds that nobody answers.
/// </remarks>
internal sealed class ControlServer : IAsyncDisposable
{
    private const int MaxConnections = 32;

    private static readonly TimeSpan LastRepliesLimit = TimeSpan.FromSeconds(2);

    private readonly HostedReplications _replications;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _room = new(MaxConnections);
    private readonly Socket? _listener;
    private readonly string _path;
    private readonly Task _accepting = Task.CompletedTask;

    private ControlServer(HostedReplications replications, string path, Socket? listener)
    {
        (_replications, _path, _listener) = (replications, path, listener);
        if (listener is not null)
        {
            _accepting = Task.Run(AcceptAsync);
        }
    }

    /// <summary>Opens it. Where it cannot be opened replication goes on all the same, and every status warns of it.</summary>
    /// <param name="replications">What this process replicates.</param>
    internal static ControlServer Open(HostedReplications replications)
    {
        string path = ControlFolder.OwnSocket;
        Socket? listener = null;
        try
        {
            ControlFolder.Create();
            listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified); // which old Windows does not have
            // Of an earlier process that had our number.
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            return new ControlServer(replications, path, listener);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            listener?.Dispose();
            replications.Warn(path, $"Other sessions cannot see or control this replication: {exception.Message} It goes on all the same.");
            return new ControlServer(replications, path, null);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            File.Delete(_path);
            await _end.CancelAsync().ConfigureAwait(false);
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _listener.Dispose();
            await LetFinishAsync().ConfigureAwait(false);
        }

        // A connection still being served may yet look at these; they hold nothing that needs to be let go.
    }

    // Whoever has stopped the last replication of this process waits for the answer.
    private async Task LetFinishAsync()
    {
        using CancellationTokenSource limit = new(LastRepliesLimit);
        for (int i = 0; i < MaxConnections && !limit.IsCancellationRequested; i++)
        {
            await _room.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            await _room.WaitAsync(_end.Token).ConfigureAwait(false);
            Socket? connection = null;
            try
            {
                connection = await _listener!.AcceptAsync(_end.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _room.Release();
                return;
            }
            catch (SocketException)
            {
                // The other side has gone before it was let in.
            }

            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket? connection)
    {
        try
        {
            if (connection is null || !PeerCredentials.IsOurUser(connection))
            {
                connection?.Dispose();
                return;
            }

            NetworkStream stream = new(connection, ownsSocket: true);
            await using (stream.ConfigureAwait(false))
            {
                using WorkerSession session = new(stream, _replications, owner: false);
                await session.RunAsync(_end.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            _room.Release();
        }
    }
}
