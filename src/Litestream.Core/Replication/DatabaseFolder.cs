using System.IO.Enumeration;

namespace Litestream.Replication;

/// <summary>A folder in which databases are, and which of its files are meant.</summary>
public sealed record DatabaseFolder
{
    private const string LocalStateSuffix = "-litestream";

    private static readonly string[] CompanionSuffixes = ["-wal", "-shm", "-journal", "-follow"];

    private static readonly StringComparer NameComparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    // https://www.sqlite.org/fileformat2.html#the_database_header: no database is smaller than a page of 512 bytes.
    private static readonly byte[] Magic = "SQLite format 3\0"u8.ToArray();

    /// <summary>Full path of the folder.</summary>
    public required string Path { get; init; }

    /// <summary>Which names are meant, with <c>*</c> and <c>?</c>.</summary>
    public string Filter { get; init; } = "*";

    /// <summary>Folders in it too, at whatever depth. Links to folders are not followed.</summary>
    public bool Recurse { get; init; }

    /// <summary>Full paths of folders in it that hold replicas and no databases.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>
    /// Files whose names are meant, by full path, in order. What SQLite and Litestream keep beside databases is passed over. No file is opened.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public IReadOnlyList<string> Candidates()
    {
        EnumerationOptions options = new()
        {
            RecurseSubdirectories = Recurse,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
        };
        FileSystemEnumerable<string> found = new(Path, (ref FileSystemEntry entry) => entry.ToFullPath(), options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && IsMeant(entry.FileName),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsLocalState(entry.FileName) && !Except.Contains(entry.ToFullPath(), NameComparer),
        };
        return [.. found.Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Whether a file is a database by its first bytes. One that is being created is none yet. Not for a file that this process has open through
    /// SQLite: closing it would drop SQLite's locks.
    /// </summary>
    /// <param name="path">Full path.</param>
    public static bool IsDatabase(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            byte[] start = new byte[Magic.Length];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual(Magic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone again, or locked while it is made: the next look finds out
        }
    }

    /// <summary>The path of a database below the folder, with <c>/</c> between names: where its replica goes below the common place.</summary>
    /// <param name="database">Full path, in the folder.</param>
    public string PlaceOf(string database) =>
        System.IO.Path.GetRelativePath(Path, database).Replace(System.IO.Path.DirectorySeparatorChar, '/');

    private bool IsMeant(ReadOnlySpan<char> name)
    {
        foreach (string suffix in CompanionSuffixes)
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return FileSystemName.MatchesSimpleExpression(Filter, name, ignoreCase: OperatingSystem.IsWindows());
    }

    private static bool IsLocalState(ReadOnlySpan<char> name) => name.StartsWith('.') && name.EndsWith(LocalStateSuffix, StringComparison.Ordinal);
}
