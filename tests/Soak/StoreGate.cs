using System.Net;
using System.Net.Sockets;

namespace Litestream.Tests.Soak;

/// <summary>
/// Stands between the replicator and a store that speaks HTTP, on loopback: counts the requests, and lets none through while it is closed.
/// </summary>
internal sealed class StoreGate : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _store;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly HashSet<TcpClient> _open = [];
    private readonly Task _serving;
    private bool _isClosed;
    private long _requests;

    /// <summary>Listens.</summary>
    /// <param name="store">The store's URL.</param>
    public StoreGate(Uri store)
    {
        _store = store;
        _listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _serving = ServeAsync();
    }

    /// <summary>Its URL.</summary>
    public Uri Endpoint { get; }

    /// <summary>Requests that went through.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Cuts what is open and takes no more, or opens again.</summary>
    /// <param name="closed">Which.</param>
    public void Close(bool closed)
    {
        lock (_gate)
        {
            _isClosed = closed;
            foreach (TcpClient client in closed ? [.. _open] : Array.Empty<TcpClient>())
            {
                client.Close();
            }
        }
    }

    /// <summary>Cuts what is open; new connections are welcome.</summary>
    public void Cut()
    {
        Close(closed: true);
        Close(closed: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        Close(closed: true);
        await _serving;
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                connections.RemoveAll(task => task.IsCompleted);
                connections.Add(CarryAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using TcpClient store = new();
        using (client)
        {
            lock (_gate)
            {
                if (_isClosed)
                {
                    return;
                }

                _open.Add(client);
            }

            try
            {
                await store.ConnectAsync(_store.Host, _store.Port, _end.Token);
                NetworkStream near = client.GetStream();
                NetworkStream far = store.GetStream();
                await await Task.WhenAny(CopyAsync(near, far, counts: true), CopyAsync(far, near, counts: false));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
            {
                // either side has gone, as it may
            }
            finally
            {
                lock (_gate)
                {
                    _open.Remove(client);
                }
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool counts)
    {
        byte[] buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer, _end.Token) is var read and > 0)
        {
            // A request's first line ends so; what a body of compressed pages holds by chance is too rare to matter.
            if (counts && buffer.AsSpan(0, read).IndexOf(" HTTP/1.1\r\n"u8) >= 0)
            {
                Interlocked.Increment(ref _requests);
            }

            await to.WriteAsync(buffer.AsMemory(0, read), _end.Token);
        }
    }
}
