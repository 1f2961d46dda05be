using System.Collections.Concurrent;
using Litestream.Storage;

namespace Litestream.PowerShell;

/// <summary>
/// The places that this process was given with options. Their address alone, as objects and views show it, then means the same place with the
/// same options: <c>Get-SqliteReplication | Test-SqliteReplica</c> works without giving a key again.
/// </summary>
internal static class SessionLocations
{
    private static readonly ConcurrentDictionary<string, ReplicaLocation> Known = new(StringComparer.Ordinal);

    /// <summary>Keeps a place for later.</summary>
    /// <param name="location">As it was given.</param>
    /// <returns>The same.</returns>
    internal static ReplicaLocation Remember(ReplicaLocation location)
    {
        if (location is S3Location)
        {
            Known[location.Address] = location;
        }

        return location;
    }

    /// <summary>The place of a text: a known address, or else what the text itself says.</summary>
    /// <param name="text">A URL.</param>
    /// <exception cref="ReplicaLocationException">No place.</exception>
    internal static ReplicaLocation Resolve(string text) =>
        Known.TryGetValue(text, out ReplicaLocation? known) ? known : Remember(ReplicaLocation.Parse(text));
}
