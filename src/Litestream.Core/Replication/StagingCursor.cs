namespace Litestream.Replication;

/// <summary>How far one destination has taken the captured files. All of it is guarded by the <see cref="StagingArea"/>.</summary>
internal sealed class StagingCursor
{
    /// <summary>The transaction whose file it takes next.</summary>
    public ulong Next { get; set; }

    /// <summary>Bytes of all files before that one, ever.</summary>
    public long TakenBytes { get; set; }

    /// <summary>Whether files are held for it. If not, it must begin anew behind a full image.</summary>
    public bool Attached { get; set; }
}
