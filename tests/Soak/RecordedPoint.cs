namespace Litestream.Tests.Soak;

/// <summary>A committed state of a live database that the harness saw with nobody writing.</summary>
/// <param name="Time">When.</param>
/// <param name="Txid">The replicator's number for it.</param>
/// <param name="Changes">How many changes it holds.</param>
/// <param name="Digest">Of every page.</param>
internal sealed record RecordedPoint(DateTimeOffset Time, ulong Txid, long Changes, ImageDigest Digest);
