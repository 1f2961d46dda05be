namespace Litestream.Sqlite;

/// <summary>A file's path as SQLite is to be given it.</summary>
internal static class SqliteName
{
    private const string LongestSuffix = "-journal";

    /// <summary>For opening a database. SQLite asks Windows for paths as they are, and Windows takes long ones only with their prefix.</summary>
    /// <param name="path">Full path.</param>
    public static string Of(string path) => OperatingSystem.IsWindows() ? WindowsName.ExtendIfLong(path, LongestSuffix.Length) : path;

    /// <summary>For opening a file that nobody writes to, without a lock and without a journal (<c>SQLITE_OPEN_URI</c>).</summary>
    /// <param name="path">Full path.</param>
    public static string ImmutableUri(string path)
    {
        // With the prefix a path of a drive and one of a share are written alike: SQLite drops the slash before either.
        string written = OperatingSystem.IsWindows()
            ? "///" + Uri.EscapeDataString(WindowsName.Extend(path))
            : string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        return $"file:{written}?immutable=1";
    }
}
