namespace Litestream.Ltx;

/// <summary>
/// The page that holds SQLite's lock bytes, at 1 GiB of the database file. SQLite never stores anything in it, so it is in no
/// replica file; a restore leaves it zero.
/// </summary>
public static class LockPage
{
    private const uint PendingByte = 0x40000000;

    /// <summary>Its number; a database of fewer pages has none.</summary>
    /// <param name="pageSize">Page size in bytes, 512 to 65536.</param>
    public static uint Number(int pageSize) => (PendingByte / (uint)pageSize) + 1;
}
