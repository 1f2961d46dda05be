using System.Runtime.Versioning;
using Litestream.PowerShell.Worker;

namespace Litestream.PowerShell.Observation;

/// <summary>
/// The endpoints, logs and heartbeats of this process; each is about everything that it replicates. One asked for twice is there once.
/// </summary>
/// <param name="replications">What this process replicates.</param>
internal sealed class Observers(HostedReplications replications) : IAsyncDisposable
{
    /// <summary>Environment variable with the source of entries in Windows' event log, which a service's script sets.</summary>
    internal const string EventSourceVariable = "LITESTREAM_EVENT_SOURCE";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, IAsyncDisposable> _all = [];

    /// <summary>Opens what is not open yet.</summary>
    /// <param name="options">Which.</param>
    /// <exception cref="ReplicationException">One cannot be opened; those opened before it stay.</exception>
    internal void Open(ObservationOptions options)
    {
        Add("metrics", options.MetricsPrefix, prefix => MetricsEndpoint.Open(prefix, replications));
        Add("log", options.LogPath, path => ReplicationLog.Open(path, replications));
        if (OperatingSystem.IsWindows())
        {
            Add("events", Environment.GetEnvironmentVariable(EventSourceVariable), OpenEventLog);
        }

        Add("heartbeat", options.HeartbeatUri?.AbsoluteUri, uri => new Heartbeat(new Uri(uri), options.HeartbeatInterval, replications));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable observer in _all.Values)
        {
            await observer.DisposeAsync().ConfigureAwait(false);
        }
    }

    [SupportedOSPlatform("windows")]
    private EventLog OpenEventLog(string source) => new(source, replications);

    private void Add(string kind, string? place, Func<string, IAsyncDisposable> open)
    {
        if (string.IsNullOrEmpty(place))
        {
            return;
        }

        lock (_gate)
        {
            string key = $"{kind} {place}";
            if (!_all.ContainsKey(key))
            {
                _all.Add(key, open(place));
            }
        }
    }
}
