using Litestream.Storage;
using Litestream.Verification;

namespace Litestream.PowerShell;

/// <summary>What a repair found and did.</summary>
public sealed class SqliteReplicaRepair
{
    private readonly int _outcome;

    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>Full path of the database.</summary>
    public required string Path { get; init; }

    /// <summary>Whether anything was written.</summary>
    public required bool Repaired { get; init; }

    /// <summary>What was found wrong before.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>Damaged files that were deleted, as level and name.</summary>
    public required IReadOnlyList<string> Deleted { get; init; }

    /// <summary>Bytes that were sent to the replica.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Whether a full image was needed; else what differs from the last good point was sent.</summary>
    public required bool IsFullImage { get; init; }

    /// <summary>The transaction that the replica ends with.</summary>
    public required ulong Txid { get; init; }

    /// <summary>How the test of its files ended afterwards.</summary>
    public required VerificationOutcome Outcome
    {
        get => (VerificationOutcome)_outcome;
        init => _outcome = (int)value;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Source} ({(Repaired ? "repaired" : "nothing to repair")}, {Outcome})";

    internal static SqliteReplicaRepair From(ReplicaLocation place, string database, RepairReport report) => new()
    {
        Source = place.Address,
        Path = database,
        Repaired = report.Txid != 0,
        Faults = [.. report.Before.Findings.Select(finding => finding.Message)],
        Deleted = report.Deleted,
        BytesSent = report.BytesSent,
        IsFullImage = report.IsFullImage,
        Txid = report.After.Txid,
        Outcome = report.After.Outcome,
    };
}
