namespace Litestream;

/// <summary>What a test of a replica proved.</summary>
public enum VerificationOutcome
{
    /// <summary>The replica is good, to the depth that was asked for.</summary>
    Pass,

    /// <summary>The replica is damaged, incomplete or different.</summary>
    Fail,

    /// <summary>Nothing could be proven either way: the replica is behind, the database cannot be read.</summary>
    Inconclusive,
}
