using System.Collections.ObjectModel;
using System.Management.Automation;
using Litestream.Storage;

namespace Litestream.PowerShell;

/// <summary>
/// From what a user writes to full paths of the file system, by PowerShell's own rules: relative to its current location, which is
/// not the process' current folder, through its drives, with its wildcards.
/// </summary>
internal static class DatabasePaths
{
    private const string FileSystem = "FileSystem";

    /// <summary>What SQLite names the files that stand beside a database and belong to it.</summary>
    private static readonly string[] CompanionSuffixes = ["-wal", "-shm", "-journal"];

    private static readonly StringComparison Comparison =
        OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    /// <summary>Two full paths name the same file, or two addresses the same place.</summary>
    internal static bool Same(string first, string second) => string.Equals(first, second, ComparisonOf(first));

    /// <summary>A full path lies inside a folder, or an address below another, at whatever depth.</summary>
    internal static bool IsInside(string path, string folder) =>
        path.StartsWith(
        Path.TrimEndingDirectorySeparator(folder) + (IsAddress(path) ? '/' : Path.DirectorySeparatorChar), ComparisonOf(path));

    /// <summary>
    /// The databases that a <c>-Path</c> names. A file of exactly that name is meant before its letters are taken for wildcards, so that
    /// <c>a[1].db</c> from the pipeline never becomes another database. A name without wildcards need not exist.
    /// </summary>
    /// <param name="session">The caller's.</param>
    /// <param name="path">As written.</param>
    /// <exception cref="ReplicationException">Not a path of the file system.</exception>
    internal static IReadOnlyList<string> ResolveWildcards(SessionState session, string path)
    {
        string literal = ResolveLiteral(session, path);
        if (File.Exists(literal) || !WildcardPattern.ContainsWildcardCharacters(path))
        {
            return [literal];
        }

        Collection<string> matches = session.Path.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider);
        EnsureFileSystem(provider, path);
        string[] databases = [.. matches.Where(match => File.Exists(match) && CompanionOf(match) is null)];
        return databases.Length > 0 ? databases : throw new ReplicationException(
            "DatabaseNotFound", $"No file matches '{path}'. Nothing was started.");
    }

    /// <summary>The one path that a <c>-LiteralPath</c> names; it need not exist.</summary>
    /// <param name="session">The caller's.</param>
    /// <param name="path">As written.</param>
    /// <exception cref="ReplicationException">Not a path of the file system, or a companion file of a database.</exception>
    /// <exception cref="PathUnusableException">Windows would take it for another path.</exception>
    internal static string ResolveLiteral(SessionState session, string path)
    {
        string resolved = session.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        EnsureFileSystem(provider, path);
        string full = FullPath.Of(resolved);
        return CompanionOf(full) is not { } database ? full : throw new ReplicationException(
            "NotADatabase",
            $"'{full}' is a part of the database '{database}'. It was not touched. Replicate the database itself; this file goes with it.")
        {
            File = full,
        };
    }

    /// <summary>The place of a replica: a URL as it stands, anything else as a path of PowerShell.</summary>
    /// <param name="session">The caller's.</param>
    /// <param name="place">As written.</param>
    /// <exception cref="ReplicationException">Not a path of the file system.</exception>
    /// <exception cref="ReplicaLocationException">No place.</exception>
    internal static ReplicaLocation ResolvePlace(SessionState session, string place)
    {
        if (IsAddress(place))
        {
            return SessionLocations.Resolve(place);
        }

        string resolved = session.Path.GetUnresolvedProviderPathFromPSPath(place, out ProviderInfo provider, out _);
        EnsureFileSystem(provider, place);
        return FolderLocation.OfPath(resolved);
    }

    // The keys of a bucket differ by case on every system.
    private static StringComparison ComparisonOf(string path) => IsAddress(path) ? StringComparison.Ordinal : Comparison;

    private static bool IsAddress(string place) => place.Contains("://", StringComparison.Ordinal);

    /// <summary>The database that a file belongs to by its name; null if there is none.</summary>
    private static string? CompanionOf(string path)
    {
        foreach (string suffix in CompanionSuffixes)
        {
            if (path.EndsWith(suffix, Comparison) && File.Exists(path[..^suffix.Length]))
            {
                return path[..^suffix.Length];
            }
        }

        return null;
    }

    private static void EnsureFileSystem(ProviderInfo provider, string path)
    {
        if (provider.Name != FileSystem)
        {
            throw new ReplicationException(
                ErrorTable.PathNotFileSystem, $"'{path}' is a path of the provider {provider.Name}, not of the file system.");
        }
    }
}
