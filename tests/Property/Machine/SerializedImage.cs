using System.Runtime.InteropServices;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Litestream.Tests.Properties.Machine;

/// <summary>What is committed now, by SQLite's own serialization, which shares nothing with the code under test.</summary>
internal static class SerializedImage
{
    /// <summary>The database as a file would have it.</summary>
    public static byte[] Of(sqlite3 connection)
    {
        nint image = sqlite3_serialize(connection, "main", out long length, 0);
        Assert.NotEqual(0, image);
        byte[] bytes = new byte[length];
        Marshal.Copy(image, bytes, 0, bytes.Length);
        sqlite3_free(image);
        return bytes;
    }
}
