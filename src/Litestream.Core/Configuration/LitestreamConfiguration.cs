using Litestream.Maintenance;

namespace Litestream.Configuration;

/// <summary>What a <c>litestream.yml</c> says, as far as it means something here.</summary>
public sealed record LitestreamConfiguration
{
    /// <summary>The databases, or folders of databases, in the order of the file.</summary>
    public IReadOnlyList<DatabaseConfiguration> Databases { get; init; } = [];

    /// <summary><c>addr</c>: where to serve metrics, as host and port; null for nowhere.</summary>
    public string? MetricsAddress { get; init; }

    /// <summary><c>heartbeat-url</c>; null for none.</summary>
    public Uri? HeartbeatUri { get; init; }

    /// <summary><c>heartbeat-interval</c>; at least a minute.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>validation.interval</c>: the pause between two tests of each replica; null for none.</summary>
    public TimeSpan? ValidationInterval { get; init; }

    /// <summary><c>exec</c>: the application to run under replication; null for none.</summary>
    public string? Command { get; init; }

    /// <summary><c>levels</c>, <c>snapshot</c>, <c>l0-retention</c>, <c>retention</c>.</summary>
    public MaintenanceOptions Maintenance { get; init; } = new();

    /// <summary>What the file says that has no effect here, and variables that are not set; one sentence each, with its line.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
