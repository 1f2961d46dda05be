namespace Litestream.Replication;

/// <summary>Something that an operator should know of a replication.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Message">Which database and replica, what happened, and what is safe.</param>
public sealed record ReplicationEvent(ReplicationEventKind Kind, string Message);
