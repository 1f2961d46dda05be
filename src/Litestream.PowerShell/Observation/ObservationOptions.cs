namespace Litestream.PowerShell.Observation;

/// <summary>How a process that replicates can be watched from outside PowerShell.</summary>
internal sealed record ObservationOptions
{
    /// <summary>Where to serve metrics, as in <c>http://localhost:9090/</c>; null for nowhere.</summary>
    public string? MetricsPrefix { get; init; }

    /// <summary>Full path of a file for JSON lines; null for none.</summary>
    public string? LogPath { get; init; }

    /// <summary>What to fetch as long as every replica is up to date; null for nothing.</summary>
    public Uri? HeartbeatUri { get; init; }

    /// <summary>How often.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMinutes(5);
}
