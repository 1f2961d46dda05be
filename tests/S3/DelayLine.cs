using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Litestream.Tests.S3;

/// <summary>One way of a long line: what is put in comes out a set time later, however much is on its way.</summary>
internal sealed class DelayLine
{
    private readonly Channel<(long Since, byte[] Bytes)> _way = Channel.CreateUnbounded<(long Since, byte[] Bytes)>();
    private readonly Task _carrying;

    /// <summary>Begins to carry.</summary>
    /// <param name="to">Where it comes out.</param>
    /// <param name="delay">How much later.</param>
    /// <param name="end">Drops what is on its way.</param>
    public DelayLine(NetworkStream to, TimeSpan delay, CancellationToken end) => _carrying = CarryAsync(to, delay, end);

    /// <summary>Puts something in.</summary>
    /// <param name="bytes">Is copied.</param>
    public void Put(ReadOnlySpan<byte> bytes) => _way.Writer.TryWrite((Stopwatch.GetTimestamp(), bytes.ToArray()));

    /// <summary>Returns when all that was put in has come out.</summary>
    public Task EndAsync()
    {
        _way.Writer.TryComplete();
        return _carrying;
    }

    private async Task CarryAsync(NetworkStream to, TimeSpan delay, CancellationToken end)
    {
        await foreach ((long since, byte[] bytes) in _way.Reader.ReadAllAsync(end))
        {
            TimeSpan left = delay - Stopwatch.GetElapsedTime(since);
            if (left > TimeSpan.Zero)
            {
                await Task.Delay(left, end);
            }

            await to.WriteAsync(bytes, end);
        }
    }
}
