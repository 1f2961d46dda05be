namespace Litestream.Storage;

/// <summary>Who writes to a replica or keeps a database's local state, so that the second one can be told about the first.</summary>
/// <param name="Host">Name of the machine.</param>
/// <param name="ProcessId">Process id on that machine.</param>
/// <param name="Database">Full path of the database that it replicates.</param>
/// <param name="Since">When it began (UTC).</param>
public sealed record ReplicaOwner(string Host, int ProcessId, string Database, DateTimeOffset Since)
{
    /// <summary>This process as the owner for a database.</summary>
    /// <param name="database">Full path of the database.</param>
    /// <param name="since">Now.</param>
    public static ReplicaOwner Current(string database, DateTimeOffset since) =>
        new(Environment.MachineName, Environment.ProcessId, database, since);
}
