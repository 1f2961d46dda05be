using System.Globalization;

namespace Litestream.Tests.S3;

/// <summary>
/// One trouble after another, drawn from a seed, while something else goes on: faults of single connections, storms of 429, 500 and 503, a
/// key that has expired, the gateway stopped, the gateway killed and started again.
/// </summary>
internal sealed class Troubles : IAsyncDisposable
{
    private readonly CephGateway _gateway;
    private readonly FaultProxy _proxy;
    private readonly Random _random;
    private readonly CancellationTokenSource _end = new();
    private readonly SortedDictionary<string, int> _done = [];
    private readonly Task _going;

    /// <summary>Begins.</summary>
    /// <param name="gateway">Stopped and killed.</param>
    /// <param name="proxy">Told to spoil and to refuse.</param>
    /// <param name="seed">Of the order.</param>
    public Troubles(CephGateway gateway, FaultProxy proxy, int seed)
    {
        (_gateway, _proxy, _random) = (gateway, proxy, new Random(seed));
        _going = Task.Run(GoAsync);
    }

    /// <summary>No more of it, and all is well again.</summary>
    public async Task EndAsync()
    {
        await _end.CancelAsync();
        await _going;
        _proxy.Spoils = false;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _end.Dispose();
    }

    /// <summary>What was done how often.</summary>
    public override string ToString() => string.Join(", ", _done.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}: {pair.Value}")));

    private async Task GoAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            await ForAWhileAsync(2, 4); // single connections alone
            if (_end.IsCancellationRequested)
            {
                return;
            }

            int lot = _random.Next(6);
            string trouble = ((string[])["storm of 429", "storm of 500", "storm of 503", "key expired", "gateway stopped", "gateway killed"])[lot];
            _done[trouble] = _done.GetValueOrDefault(trouble) + 1;
            switch (lot)
            {
                case < 3:
                    await RefuseAsync(lot switch { 0 => (429, "TooManyRequests"), 1 => (500, "InternalError"), _ => (503, "SlowDown") });
                    break;
                case 3:
                    await RefuseAsync((400, "ExpiredToken"));
                    break;
                case 4:
                    await _gateway.PauseAsync();
                    await ForAWhileAsync(1, 3);
                    await _gateway.ContinueAsync();
                    break;
                default:
                    await _gateway.KillAsync();
                    await ForAWhileAsync(0, 2);
                    await _gateway.RestartAsync();
                    break;
            }
        }
    }

    private async Task RefuseAsync((int Status, string Code) refusal)
    {
        _proxy.Refusal = refusal;
        await ForAWhileAsync(1, 3);
        _proxy.Refusal = null;
    }

    private Task ForAWhileAsync(int least, int most)
    {
        TimeSpan time = TimeSpan.FromSeconds(least + ((most - least) * _random.NextDouble()));
        return Task.Delay(time, _end.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
