using Microsoft.Win32.SafeHandles;

namespace Litestream.Bench.Compare;

/// <summary>What is asked of files and folders while programs write there.</summary>
internal static class Files
{
    public static int Count(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories).Count() : 0;

    /// <summary>Bytes below a folder.</summary>
    public static long Bytes(string folder) => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)
        : 0;

    public static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>The physical limit: the same bytes, copied and flushed.</summary>
    public static void CopyDurably(string from, string to)
    {
        File.Copy(from, to, overwrite: true);
        using SafeFileHandle handle = File.OpenHandle(to, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Deletes a database with what lies beside it, or a folder.</summary>
    public static void Delete(string path)
    {
        foreach (string file in new[] { path, path + "-wal", path + "-shm" })
        {
            if (File.Exists(file))
            {
                File.Delete(file);
            }
        }

        string name = Path.GetFileName(path);
        foreach (string state in new[] { path, $".{name}-litestream" })
        {
            string folder = Path.Combine(Path.GetDirectoryName(path)!, state);
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
