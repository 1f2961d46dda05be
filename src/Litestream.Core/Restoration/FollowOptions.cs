using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Which replica to follow, and where.</summary>
public sealed record FollowOptions
{
    /// <summary>The replica's place.</summary>
    public required ReplicaLocation Source { get; init; }

    /// <summary>Path of the copy. It is made if it is not there.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Replace a database at the path that is no follower's copy.</summary>
    public bool Force { get; init; }

    /// <summary>Pause between two looks at the replica.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Catch up and end.</summary>
    public bool Once { get; init; }

    /// <summary>How long to wait for readers before trying again.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
