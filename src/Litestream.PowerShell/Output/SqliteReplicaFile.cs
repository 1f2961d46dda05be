namespace Litestream.PowerShell;

/// <summary>One file of a replica.</summary>
public sealed record SqliteReplicaFile
{
    /// <summary>The replica's place.</summary>
    public required string Source { get; init; }

    /// <summary>0 for captured files, 1 to 8 for merges of the level below, 9 for full images.</summary>
    public int Level { get; init; }

    /// <summary>The file's name.</summary>
    public required string Name { get; init; }

    /// <summary>The first transaction id in it.</summary>
    public ulong MinTxid { get; init; }

    /// <summary>The last transaction id in it.</summary>
    public ulong MaxTxid { get; init; }

    /// <summary>When its last transaction was captured (local time).</summary>
    public DateTime Timestamp { get; init; }

    /// <summary>Length in bytes.</summary>
    public long Size { get; init; }

    /// <summary>Pages in it; null if that could not be read.</summary>
    public long? Pages { get; init; }

    /// <summary>Pages of the database after its last transaction; null if that could not be read.</summary>
    public long? DatabasePages { get; init; }

    /// <summary>Page size in bytes; null if that could not be read.</summary>
    public int? PageSize { get; init; }

    /// <summary>Level and name.</summary>
    public override string ToString() => $"{Level}/{Name}";
}
