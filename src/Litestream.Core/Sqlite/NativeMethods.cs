using System.Runtime.InteropServices;

namespace Litestream.Sqlite;

/// <summary>
/// The calls into SQLite that SQLitePCLRaw does not expose as we need them. They bind to the same library, <c>e_sqlite3</c>,
/// that SQLitePCLRaw has loaded, so that one process never holds two of them through us.
/// </summary>
internal static unsafe partial class NativeMethods
{
    /// <summary>Opcode of <c>sqlite3_file_control</c> that gives the <c>sqlite3_file</c> of the database (sqlite3.h).</summary>
    public const int FileControlFilePointer = 7;

    private const string Library = "e_sqlite3";

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    public static partial int sqlite3_file_control(nint db, byte* schema, int opcode, void* argument);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    public static partial int sqlite3_snapshot_get(nint db, byte* schema, nint* snapshot);

    [LibraryImport(Library)]
    [UnmanagedCallConv(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    public static partial void sqlite3_snapshot_free(nint snapshot);
}
