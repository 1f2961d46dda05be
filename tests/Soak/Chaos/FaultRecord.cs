namespace Litestream.Tests.Soak;

/// <summary>A fault that was done.</summary>
/// <param name="Name">Which.</param>
/// <param name="Detail">More about it; may be null.</param>
/// <param name="Begin">Seconds since the soak began.</param>
/// <param name="End">When it was undone.</param>
/// <param name="Recovered">When everything committed was in the replica again.</param>
internal sealed record FaultRecord(string Name, string? Detail, double Begin, double End, double Recovered);
