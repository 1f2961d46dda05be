namespace Litestream.Storage;

/// <summary>A file below a replica's place that is no <c>.ltx</c> file, as a listing shows it.</summary>
/// <param name="Name">Its path below the place, with slashes: <c>generations/…</c>.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="Modified">When it was written, as the store says (UTC, whole milliseconds).</param>
internal sealed record RawObject(string Name, long Size, DateTimeOffset Modified);
