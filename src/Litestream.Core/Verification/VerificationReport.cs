using Litestream.Restoration;

namespace Litestream.Verification;

/// <summary>The result of a test of a replica.</summary>
public sealed record VerificationReport
{
    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>The live database it was compared with, or null.</summary>
    public string? DatabasePath { get; init; }

    /// <summary>How deep it went.</summary>
    public VerificationDepth Depth { get; init; }

    /// <summary>What SQLite itself checks of a copy in this test; nothing at <see cref="VerificationDepth.Files"/>, which makes none.</summary>
    public IntegrityCheck IntegrityCheck { get; init; }

    /// <summary>What was proven.</summary>
    public VerificationOutcome Outcome { get; init; }

    /// <summary>Every failure or doubt, one sentence each.</summary>
    public IReadOnlyList<VerificationFinding> Findings { get; init; } = [];

    /// <summary>Files that were decoded and whose checksums were met.</summary>
    public int FilesChecked { get; init; }

    /// <summary>Bytes read from the replica.</summary>
    public long BytesChecked { get; init; }

    /// <summary>The transaction id that was restored and compared; 0 if none was.</summary>
    public ulong Txid { get; init; }

    /// <summary>Pages of the restored database; 0 if none was.</summary>
    public uint Pages { get; init; }

    /// <summary>MD5 of the live image in lower-case hex, or null.</summary>
    public string? LiveMd5 { get; init; }

    /// <summary>MD5 of the restored image in lower-case hex, or null.</summary>
    public string? RestoredMd5 { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; init; }
}
