using System.Globalization;
using System.Text.RegularExpressions;

namespace Litestream.Legacy;

/// <summary>
/// A file of a replica that Litestream 0.3 wrote (its v3.go): <c>generations/&lt;16 hex&gt;/snapshots/&lt;index&gt;.snapshot.lz4</c>, the database
/// file, or <c>generations/&lt;16 hex&gt;/wal/&lt;index&gt;_&lt;offset&gt;.wal.lz4</c>, a part of its WAL. Each is an LZ4 frame.
/// </summary>
/// <param name="Name">Its path below the replica's place, with slashes.</param>
/// <param name="Generation">16 hex digits: an unbroken run of replication.</param>
/// <param name="Index">Which WAL of the generation: one for each time that SQLite began it anew.</param>
/// <param name="Offset">Where in that WAL it begins, in bytes; null for a snapshot, which stands before the whole WAL of its index.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Timestamp">When it was written (UTC, whole milliseconds).</param>
public sealed partial record LegacyFile(string Name, string Generation, uint Index, long? Offset, long Size, DateTimeOffset Timestamp)
{
    /// <summary>The folder that all of them lie in.</summary>
    internal const string Root = "generations";

    /// <summary>Reads a name; null if it is not one of theirs.</summary>
    /// <param name="name">Path below the replica's place, with slashes.</param>
    /// <param name="size">Length in bytes.</param>
    /// <param name="timestamp">When it was written.</param>
    internal static LegacyFile? Parse(string name, long size, DateTimeOffset timestamp)
    {
        Match match = Pattern().Match(name);
        if (!match.Success)
        {
            return null;
        }

        long? offset = match.Groups["offset"] is { Success: true } at
            ? long.Parse(at.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : null;
        uint index = uint.Parse(
            (match.Groups["snapshot"] is { Success: true } snapshot ? snapshot : match.Groups["wal"]).ValueSpan,
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture);
        return offset < 0 ? null : new LegacyFile(name, match.Groups["generation"].Value, index, offset, size, timestamp);
    }

    [GeneratedRegex(
        @"^generations/(?<generation>[0-9a-f]{16})/(snapshots/(?<snapshot>[0-9a-f]{8})\.snapshot|wal/(?<wal>[0-9a-f]{8})_(?<offset>[0-9a-f]{8,16})\.wal)\.lz4\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
