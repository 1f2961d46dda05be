namespace Litestream.Restoration;

/// <summary>How far SQLite itself checks a restored database, beyond the checksums of every file, which are always met.</summary>
public enum IntegrityCheck
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary><c>PRAGMA quick_check</c>.</summary>
    Quick,

    /// <summary><c>PRAGMA integrity_check</c>.</summary>
    Full,
}
