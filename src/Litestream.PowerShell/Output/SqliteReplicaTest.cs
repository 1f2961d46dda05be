using Litestream.Restoration;
using Litestream.Verification;

namespace Litestream.PowerShell;

/// <summary>The result of a test of a replica.</summary>
public sealed record SqliteReplicaTest
{
    private readonly int _depth;
    private readonly int _integrityCheck;
    private readonly int _outcome;

    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>The live database it was compared with, or null.</summary>
    public string? Path { get; init; }

    /// <summary>How deep it went.</summary>
    public VerificationDepth Depth
    {
        get => (VerificationDepth)_depth;
        init => _depth = (int)value;
    }

    /// <summary>What SQLite itself checks of a copy in this test; None at depth Files, which makes no copy.</summary>
    public IntegrityCheck IntegrityCheck
    {
        get => (IntegrityCheck)_integrityCheck;
        init => _integrityCheck = (int)value;
    }

    /// <summary>Pass, Fail, or Inconclusive where nothing could be proven either way.</summary>
    public VerificationOutcome Outcome
    {
        get => (VerificationOutcome)_outcome;
        init => _outcome = (int)value;
    }

    /// <summary>Every failure or doubt.</summary>
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

    /// <summary>Makes the output object.</summary>
    /// <param name="report">From the verifier.</param>
    internal static SqliteReplicaTest From(VerificationReport report) => new()
    {
        Source = report.Source,
        Path = report.DatabasePath,
        Depth = report.Depth,
        IntegrityCheck = report.IntegrityCheck,
        Outcome = report.Outcome,
        Findings = report.Findings,
        FilesChecked = report.FilesChecked,
        BytesChecked = report.BytesChecked,
        Txid = report.Txid,
        Pages = report.Pages,
        LiveMd5 = report.LiveMd5,
        RestoredMd5 = report.RestoredMd5,
        Elapsed = report.Elapsed,
    };

    /// <summary>Source, depth and outcome.</summary>
    public override string ToString() => $"{Source}: {Outcome} ({Depth})";
}
