using System.Runtime.InteropServices;

namespace Litestream;

/// <summary>From a path as somebody wrote it to the one full path by which everything knows the file.</summary>
public static partial class FullPath
{
    /// <summary>The full path, relative to the process' current folder.</summary>
    /// <param name="path">As written.</param>
    /// <exception cref="PathUnusableException">Windows would take it for another path.</exception>
    /// <exception cref="ArgumentException">It cannot be a path.</exception>
    public static string Of(string path) => Of(path, Environment.CurrentDirectory);

    /// <summary>The full path, relative to a folder.</summary>
    /// <param name="path">As written.</param>
    /// <param name="baseFolder">Full path.</param>
    /// <exception cref="PathUnusableException">Windows would take it for another path.</exception>
    /// <exception cref="ArgumentException">It cannot be a path.</exception>
    public static string Of(string path, string baseFolder)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!OperatingSystem.IsWindows())
        {
            return Path.GetFullPath(path, baseFolder);
        }

        return WindowsName.Trap(path) is not { } trap
            ? WithoutShortNames(Path.GetFullPath(WindowsName.Plain(path.Replace('/', '\\')), baseFolder))
            : throw new PathUnusableException(
                $"'{path}' {trap}. Nothing was written. Name another path.")
            { File = path };
    }

    // LONGNA~1.DB: the second name that a file may have beside its long one. What is not there yet has only one.
    private static string WithoutShortNames(string path)
    {
        if (!path.Contains('~', StringComparison.Ordinal))
        {
            return path;
        }

        char[] found = new char[short.MaxValue];
        uint length = GetLongPathName(WindowsName.ExtendIfLong(path), found, (uint)found.Length);
        return length > 0 && length < found.Length ? WindowsName.Plain(new string(found, 0, (int)length)) : path;
    }

    [LibraryImport("kernel32", EntryPoint = "GetLongPathNameW", StringMarshalling = StringMarshalling.Utf16)]
    private static partial uint GetLongPathName(string path, [Out] char[] found, uint length);
}
