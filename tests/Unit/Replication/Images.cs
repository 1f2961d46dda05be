using Litestream.Tests.Unit.Sqlite;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Compares database files byte by byte.</summary>
internal static class Images
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Fails unless the replica, read plainly, is the database's file once everything was copied into it. Nobody has it open.</summary>
    public static async Task<ulong> EqualAsync(string database, string replica)
    {
        using (var application = new Application(database, "PRAGMA busy_timeout=1000; SELECT count(*) FROM sqlite_schema"))
        {
            (bool busy, _, _) = application.Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
            Assert.False(busy, "Somebody still reads the database.");
        }

        string copy = database + ".copy";
        ulong txid = await ReplicaModel.ApplyAsync(replica, copy);
        Equal(database, copy);
        File.Delete(copy);
        return txid;
    }

    /// <summary>Fails, naming the place, unless two files are equal.</summary>
    public static void Equal(string expected, string actual)
    {
        using FileStream left = Open(expected);
        using FileStream right = Open(actual);
        Assert.Equal(left.Length, right.Length);
        byte[] a = new byte[ChunkBytes];
        byte[] b = new byte[ChunkBytes];
        for (long offset = 0; ; offset += ChunkBytes)
        {
            int read = left.ReadAtLeast(a, ChunkBytes, throwOnEndOfStream: false);
            Assert.Equal(read, right.ReadAtLeast(b, ChunkBytes, throwOnEndOfStream: false));
            int common = a.AsSpan(0, read).CommonPrefixLength(b.AsSpan(0, read));
            Assert.True(common == read, $"The files differ at byte {offset + common}.");
            if (read < ChunkBytes)
            {
                return;
            }
        }

        // SQLite may have it open to write, which Windows asks to be allowed.
        static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
    }
}
