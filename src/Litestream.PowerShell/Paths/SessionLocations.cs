using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Litestream.Storage;

namespace Litestream.PowerShell;

/// <summary>
/// The places that this process was given with options. Their address alone, as objects and views show it, then means the same place with the
/// same options: <c>Get-SqliteReplication | Test-SqliteReplica</c> works without giving a key again. Where one address was given with several
/// keys, the object that a caller hands over means its own; the address alone means the last one given.
/// </summary>
internal static class SessionLocations
{
    private static readonly ConcurrentDictionary<string, ReplicaLocation> Known = new(StringComparer.Ordinal);

    // By the very string that a parameter was given, not by what it says.
    private static readonly ConditionalWeakTable<string, ReplicaLocation> Exact = [];

    /// <summary>The addresses that are known.</summary>
    internal static IEnumerable<string> Addresses => Known.Keys;

    /// <summary>The text of a place for a parameter that takes text; <see cref="Resolve"/> makes this very place of it.</summary>
    /// <param name="location">As it was given.</param>
    internal static string TextOf(ReplicaLocation location)
    {
        string text = new(location.Address.AsSpan());
        Exact.Add(text, location);
        return text;
    }

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
        Exact.TryGetValue(text, out ReplicaLocation? known) || Known.TryGetValue(text, out known) ? known : Remember(ReplicaLocation.Parse(text));
}
