using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Litestream.Tests.S3;

/// <summary>
/// Stands between a client and a service on loopback and spoils connections, each by a lot drawn from a seed (<see cref="Fault"/>), or turns
/// all of them away with one answer for as long as a test wants it.
/// </summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    // A client keeps a good connection for good: it ends after a while, so that another lot is drawn.
    private static readonly TimeSpan LongestConnection = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(2);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _service;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<Fault, int> _done = [];
    private readonly Task _serving;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _unconditional;
    private long _carried;
    private (int Status, string Code)? _refusal;

    /// <summary>Listens.</summary>
    /// <param name="service">The service behind.</param>
    /// <param name="seed">Of the faults.</param>
    public FaultProxy(Uri service, int seed)
    {
        _service = new IPEndPoint(IPAddress.Loopback, service.Port);
        _random = new Random(seed);
        _listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _serving = ServeAsync();
    }

    /// <summary>What can be done to a connection.</summary>
    internal enum Fault
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>Every piece comes late.</summary>
        Late,

        /// <summary>Closed in the middle of what the client sends.</summary>
        CutRequest,

        /// <summary>Closed in the middle of an answer.</summary>
        CutAnswer,

        /// <summary>Reset in the middle of either.</summary>
        Reset,

        /// <summary>Reset after the service has taken a request, before its answer.</summary>
        LoseAnswer,

        /// <summary>Takes what the client sends and passes nothing on, for a while.</summary>
        HalfOpen,

        /// <summary>Stops in the middle of an answer and stays open, for a while.</summary>
        Stall,

        /// <summary>429 instead of the service.</summary>
        TooMany,

        /// <summary>500.</summary>
        Broken,

        /// <summary>503.</summary>
        SlowDown,
    }

    /// <summary>Its URL.</summary>
    public Uri Endpoint { get; }

    /// <summary>Whether connections are spoiled by lot.</summary>
    public bool Spoils { get; set; } = true;

    /// <summary>What all are turned away with from now on, those that stand included, as status and code of S3; null to let them through.</summary>
    public (int Status, string Code)? Refusal
    {
        get => _refusal;
        set
        {
            _refusal = value;
            TaskCompletionSource before = Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            before.SetResult();
        }
    }

    /// <summary>Whether the service is one that knows no conditional requests: each is answered with 501.</summary>
    public bool KnowsNoConditions { get; init; }

    /// <summary>How many conditional requests were answered so.</summary>
    public int Unconditional => _unconditional;

    /// <summary>How long everything is on its way, in each direction.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Bytes that the service was given.</summary>
    public long Carried => Interlocked.Read(ref _carried);

    /// <summary>How often each fault was drawn.</summary>
    public IReadOnlyDictionary<Fault, int> Done
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<Fault, int>(_done);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
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

    private (Fault Fault, int After) Draw()
    {
        lock (_gate)
        {
            Fault fault = !Spoils || _random.Next(100) < 35 ? Fault.None : (Fault)_random.Next(1, Enum.GetValues<Fault>().Length);
            _done[fault] = _done.GetValueOrDefault(fault) + 1;
            return (fault, 1 << _random.Next(4, 18)); // from the first line of a request to many of them
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using TcpClient server = new();
        using (client)
        {
            try
            {
                (Fault fault, int after) = Draw();
                NetworkStream near = client.GetStream();
                if ((Refusal ?? RefusalOf(fault)) is { } refusal)
                {
                    await RefuseAsync(near, refusal.Status, refusal.Code);
                    return;
                }

                await server.ConnectAsync(_service, _end.Token);
                NetworkStream far = server.GetStream();
                Task first = await Task.WhenAny(
                    CopyAsync(near, far, isRequest: true, fault, fault switch { Fault.CutRequest or Fault.Reset => after, Fault.HalfOpen => 0, _ => long.MaxValue }),
                    CopyAsync(far, near, isRequest: false, fault, fault switch
                    {
                        Fault.CutAnswer or Fault.Reset or Fault.Stall => after,
                        Fault.LoseAnswer => 0,
                        _ => long.MaxValue,
                    }),
                    _changed.Task,
                    Task.Delay(Spoils ? LongestConnection : Timeout.InfiniteTimeSpan, _end.Token));
                await first;
                if (fault is Fault.Stall or Fault.HalfOpen)
                {
                    await Task.Delay(LongestSilence, _end.Token);
                }

                if (fault is Fault.LoseAnswer or Fault.Reset)
                {
                    client.LingerState = new LingerOption(enable: true, seconds: 0); // a reset
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // either side has gone, as it may
            }
        }
    }

    /// <summary>Carries bytes one way until the end or the cut; a limit of 0 waits for the first byte and drops it.</summary>
    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool isRequest, Fault fault, long limit)
    {
        byte[] buffer = new byte[64 * 1024];
        DelayLine? line = Latency > TimeSpan.Zero ? new DelayLine(to, Latency, _end.Token) : null;
        while (await from.ReadAsync(buffer, _end.Token) is var read and > 0)
        {
            if (fault == Fault.Late)
            {
                await Task.Delay(20, _end.Token);
            }

            if (KnowsNoConditions && IsConditional(buffer.AsSpan(0, read)))
            {
                Interlocked.Increment(ref _unconditional);
                await AnswerAsync(from, 501, "NotImplemented");
                return;
            }

            int passed = (int)Math.Min(read, limit);
            line?.Put(buffer.AsSpan(0, passed));
            await to.WriteAsync(buffer.AsMemory(0, line is null ? passed : 0), _end.Token);
            Interlocked.Add(ref _carried, isRequest ? passed : 0);
            limit -= passed;
            if (passed < read || limit == 0)
            {
                break;
            }
        }

        await (line?.EndAsync() ?? Task.CompletedTask);
    }

    private static (int Status, string Code)? RefusalOf(Fault fault) => fault switch
    {
        Fault.TooMany => (429, "TooManyRequests"),
        Fault.Broken => (500, "InternalError"),
        Fault.SlowDown => (503, "SlowDown"),
        _ => null,
    };

    private async Task RefuseAsync(NetworkStream near, int status, string code)
    {
        byte[] buffer = new byte[64 * 1024];
        _ = await near.ReadAsync(buffer, _end.Token);
        await AnswerAsync(near, status, code);
    }

    private static bool IsConditional(ReadOnlySpan<byte> request) =>
        request.IndexOf("\r\nIf-None-Match:"u8) >= 0 || request.IndexOf("\r\nIf-Match:"u8) >= 0;

    private async Task AnswerAsync(NetworkStream near, int status, string code)
    {
        string body = $"<Error><Code>{code}</Code></Error>";
        await near.WriteAsync(
            Encoding.ASCII.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {code}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}")),
            _end.Token);
    }
}
