namespace Litestream.Verification;

/// <summary>One thing that a test of a replica found wrong or could not prove.</summary>
/// <param name="ErrorId">Stable short name of the kind.</param>
/// <param name="Message">What was found, and what to do.</param>
/// <param name="File">The replica file, or null.</param>
public sealed record VerificationFinding(string ErrorId, string Message, string? File = null);
