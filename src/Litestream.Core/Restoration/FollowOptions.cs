using Litestream.Storage;

namespace Litestream.Restoration;

/// <summary>Which replica to follow, and where.</summary>
public sealed record FollowOptions
{
    /// <summary>The replica's place.</summary>
    public required ReplicaLocation Source { get; init; }

    /// <summary>Path of the copy. It is made if it is not there.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Replace whatever database is at the path, a follower's copy too; readers must have closed it then.</summary>
    public bool Force { get; init; }

    /// <summary>What SQLite itself checks in a full image before it becomes the copy.</summary>
    public IntegrityCheck IntegrityCheck { get; init; }

    /// <summary>Pause between two looks at the replica.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Catch up and end.</summary>
    public bool Once { get; init; }

    /// <summary>How long to wait for readers before trying again.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
