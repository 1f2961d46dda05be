using System.Globalization;

namespace Litestream.Restoration;

/// <summary>
/// Finds a process that has a file open. Locks show every connection to a database in WAL mode, but not an idle one in
/// rollback mode, which would go on with the file that was replaced. Linux only, and only processes that this user may see:
/// it finds, it proves nothing.
/// </summary>
internal static class OpenDatabaseScan
{
    // A process that is being started holds all that its parent has open, until it has become the new program.
    private const int Looks = 5;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    /// <summary>The first process found, as a person would name it, or null. This process is passed over.</summary>
    /// <param name="path">Full path of the file.</param>
    internal static string? FindOther(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        path = RealPath(path);
        string? found = FindOnce(path);
        for (int look = 1; look < Looks && found is not null; look++)
        {
            Thread.Sleep(BetweenLooks);
            found = FindOnce(path);
        }

        return found;
    }

    private static string? FindOnce(string path)
    {
        string self = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            string id = Path.GetFileName(process);
            if (char.IsAsciiDigit(id[0]) && id != self && HasOpen(process, path))
            {
                return $"process {id} ({Name(process)})";
            }
        }

        return null;
    }

    /// <summary>The path under which the system knows a file: without links, also in the folders above it.</summary>
    /// <param name="path">Full path.</param>
    internal static string RealPath(string path)
    {
        if (Path.GetDirectoryName(path) is not { } parent)
        {
            return path;
        }

        string here = Path.Combine(RealPath(parent), Path.GetFileName(path));
        return new FileInfo(here).ResolveIfLink() is { } target ? RealPath(target) : here;
    }

    private static string? ResolveIfLink(this FileInfo file)
    {
        try
        {
            return file.LinkTarget is null ? null : file.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            return null; // a ring of links, or broken: nobody can have it open under this name
        }
    }

    private static bool HasOpen(string process, string path)
    {
        try
        {
            foreach (FileInfo descriptor in new DirectoryInfo(Path.Combine(process, "fd")).EnumerateFiles())
            {
                if (string.Equals(descriptor.LinkTarget, path, StringComparison.Ordinal))
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has just ended, or is another user's.
        }

        return false;
    }

    private static string Name(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "comm")).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "ended meanwhile";
        }
    }
}
