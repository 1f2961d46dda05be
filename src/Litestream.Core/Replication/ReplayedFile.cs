using Litestream.Ltx;
using Litestream.State;

namespace Litestream.Replication;

/// <summary>A replica file that was read whole and found good.</summary>
/// <param name="Header">Its header.</param>
/// <param name="FileChecksum">The checksum in its trailer.</param>
/// <param name="Pages">The checksum of each of its pages.</param>
internal sealed record ReplayedFile(LtxHeader Header, ulong FileChecksum, IReadOnlyList<(uint Page, ulong Checksum)> Pages)
{
    /// <summary>Notes its pages' checksums.</summary>
    /// <param name="table">The table.</param>
    public void ApplyTo(PageChecksumTable table)
    {
        foreach ((uint page, ulong checksum) in Pages)
        {
            table.Set(page, checksum);
        }
    }
}
