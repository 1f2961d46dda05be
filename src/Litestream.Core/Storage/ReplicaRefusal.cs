namespace Litestream.Storage;

/// <summary>Why the place of a replica refuses us.</summary>
public enum ReplicaRefusal
{
    /// <summary>This user or key may not do it.</summary>
    NotAllowed,

    /// <summary>The key is not known there, its secret does not fit, or none was found.</summary>
    KeyInvalid,

    /// <summary>The temporary key has expired.</summary>
    KeyExpired,

    /// <summary>The clocks of this machine and of the service differ too much.</summary>
    ClockSkewed,

    /// <summary>There is no such bucket.</summary>
    BucketNotFound,
}
