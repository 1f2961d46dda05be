namespace Litestream.Verification;

/// <summary>How deep a replica is tested. Each depth includes those before it.</summary>
public enum VerificationDepth
{
    /// <summary>Every file is decoded and its checksum met; the files lead from a full image to the newest without a gap.</summary>
    Files,

    /// <summary>The newest state is restored to a temporary file and passes SQLite's own check, if one is asked for.</summary>
    Restore,

    /// <summary>The restored image equals the live database at the same transaction, byte for byte.</summary>
    Compare,
}
