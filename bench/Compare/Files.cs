using Microsoft.Win32.SafeHandles;

namespace Litestream.Bench.Compare;

/// <summary>What is asked of files and folders while programs write there.</summary>
internal static class Files
{
    private const int SmallFile = 256 * 1024;

    public static int Count(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories).Count() : 0;

    /// <summary>Bytes below a folder.</summary>
    public static long Bytes(string folder) => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)
        : 0;

    public static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>Whether two files hold the same bytes.</summary>
    public static bool AreSame(string first, string second)
    {
        const int piece = 1 << 20;
        using FileStream left = new(first, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        using FileStream right = new(second, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        byte[] a = new byte[piece];
        byte[] b = new byte[piece];
        while (true)
        {
            int read = left.ReadAtLeast(a, piece, throwOnEndOfStream: false);
            if (right.ReadAtLeast(b, piece, throwOnEndOfStream: false) != read || !a.AsSpan(0, read).SequenceEqual(b.AsSpan(0, read)))
            {
                return false;
            }

            if (read == 0)
            {
                return true;
            }
        }
    }

    /// <summary>Every file below a folder with its size and the time that it was written last: what differs between two has been written.</summary>
    public static HashSet<(string Path, long Length, DateTime Written)> Survey(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Select(file => (file.FullName, file.Length, file.LastWriteTimeUtc))];

    public static void Flush(string path)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>The physical limit: the same bytes, copied and flushed.</summary>
    public static void CopyDurably(string from, string to)
    {
        File.Copy(from, to, overwrite: true);
        Flush(to);
    }

    /// <summary>Deletes a database with what lies beside it, or a folder.</summary>
    public static void Delete(string path)
    {
        DeleteState(path);
        PutAside(path);

        foreach (string file in new[] { path, path + "-wal", path + "-shm" })
        {
            if (File.Exists(file))
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Deletes what a replicator keeps beside a database, so that it begins from nothing.</summary>
    public static void DeleteState(string database)
    {
        string folder = Path.Combine(Path.GetDirectoryName(database)!, $".{Path.GetFileName(database)}-litestream");
        PutAside(folder);
    }

    // An ext4 without a journal does not take the inodes of files deleted in the last minutes, and looks at each of them whenever a file is made: what
    // deletes thousands of them slows down what is measured next. So small files stay until the end, in the folder that goes then.
    private static void PutAside(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Where(file => file.Length > SmallFile))
        {
            file.Delete();
        }

        Directory.Move(folder, $"{folder}.done-{Guid.NewGuid():N}");
    }
}
