using System.Diagnostics;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Observation;

/// <summary>
/// Fetches an address at intervals as long as every replication of this process is well, so that a dead-man's switch elsewhere notices
/// when one is not, or when nobody is left to say so. Well means: every replica was known to hold everything within the last interval.
/// </summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan FetchLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Uri _uri;
    private readonly TimeSpan _interval;
    private readonly HostedReplications _replications;
    private readonly HttpClient _client = new() { Timeout = FetchLimit };
    private readonly CancellationTokenSource _end = new();
    private readonly Task _beating;

    /// <summary>Begins.</summary>
    /// <param name="uri">What to fetch. Whoever knows it can beat too, so no message holds more of it than the host.</param>
    /// <param name="interval">How often.</param>
    /// <param name="replications">What this process replicates.</param>
    internal Heartbeat(Uri uri, TimeSpan interval, HostedReplications replications)
    {
        (_uri, _interval, _replications) = (uri, interval, replications);
        _beating = Task.Run(BeatAsync);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _beating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _end.Dispose();
    }

    /// <summary>Whether every replica was up to date within an interval.</summary>
    /// <param name="statuses">All of the process.</param>
    /// <param name="interval">How far back.</param>
    /// <param name="now">The time.</param>
    internal static bool IsWell(IReadOnlyCollection<ReplicationStatus> statuses, TimeSpan interval, DateTimeOffset now) =>
        statuses.Count > 0 && statuses.All(status => status.State != ReplicationState.Damaged && status.LastSyncAt > now - interval);

    private async Task BeatAsync()
    {
        long? last = null;
        while (true)
        {
            bool due = last is not { } at || Stopwatch.GetElapsedTime(at) >= _interval;
            if (due && IsWell(_replications.Statuses(ended: true).Values, _interval, DateTimeOffset.UtcNow))
            {
                last = Stopwatch.GetTimestamp();
                await FetchAsync().ConfigureAwait(false);
            }

            await Task.Delay(LookInterval, _end.Token).ConfigureAwait(false);
        }
    }

    private async Task FetchAsync()
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync(_uri, _end.Token).ConfigureAwait(false);
            _replications.Warn(this, response.IsSuccessStatusCode ? null : Failed($"it answered {(int)response.StatusCode}"));
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !_end.IsCancellationRequested)
        {
            _replications.Warn(this, Failed(exception is HttpRequestException { HttpRequestError: var kind } ? kind.ToString() : "no answer in time"));
        }
    }

    private string Failed(string why) => $"The heartbeat to {_uri.Host} has failed ({why}). Replication goes on; it is tried again at the next interval.";
}
