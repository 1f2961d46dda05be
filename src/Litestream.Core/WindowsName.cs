namespace Litestream;

/// <summary>
/// Paths that Windows takes for others without a word: it drops dots and spaces at the end of a name, opens a device for some names whatever
/// the folder and the extension, and a hidden stream of a file for what follows a colon. Two paths of that kind may be one file, and a file
/// that was written may be nowhere.
/// </summary>
internal static class WindowsName
{
    private const string Extended = @"\\?\";
    private const string ExtendedShare = @"\\?\UNC\";
    private const string Device = @"\\.\";
    private const int DriveLength = 2;
    private const int LongestPlain = 260 - 1; // MAX_PATH, less the NUL at the end

    // Naming Files, Paths, and Namespaces: with or without an extension, in any folder.
    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    private static readonly string[] NumberedDevices = ["COM", "LPT"];

    /// <summary>What Windows would make of a path that is not what was written; null if nothing.</summary>
    /// <param name="path">As written.</param>
    public static string? Trap(string path)
    {
        string plain = path.Replace('/', '\\');
        if (plain.StartsWith(Device, StringComparison.Ordinal) || plain.StartsWith(@"\??\", StringComparison.Ordinal))
        {
            return @"begins with '\\.\' or '\??\', which names a device";
        }

        plain = Plain(plain);
        string names = HasDrive(plain) ? plain[DriveLength..] : plain;
        return names.Split('\\', StringSplitOptions.RemoveEmptyEntries).Select(TrapOf).FirstOrDefault(trap => trap is not null);
    }

    /// <summary>The path without <c>\\?\</c>: a file is to have one path. .NET puts it before a long path by itself.</summary>
    /// <param name="path">With <c>\</c> between names.</param>
    public static string Plain(string path) =>
        path.StartsWith(ExtendedShare, StringComparison.OrdinalIgnoreCase) ? @"\\" + path[ExtendedShare.Length..]
        : path.StartsWith(Extended, StringComparison.Ordinal) && HasDrive(path[Extended.Length..]) ? path[Extended.Length..]
        : path; // a volume without a letter has no other path

    /// <summary>The full path, with <c>\\?\</c> if it is too long for calls of the system without it.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="room">Characters that the call itself puts after it.</param>
    public static string ExtendIfLong(string path, int room = 0) => path.Length + room > LongestPlain ? Extend(path) : path;

    /// <summary>The full path with <c>\\?\</c>, for calls of the system that take no more than 259 characters without it.</summary>
    /// <param name="path">Full path.</param>
    public static string Extend(string path) =>
        path.StartsWith(Extended, StringComparison.Ordinal) || path.StartsWith(Device, StringComparison.Ordinal) ? path
        : path.StartsWith(@"\\", StringComparison.Ordinal) ? ExtendedShare + path[2..]
        : Extended + path;

    private static bool HasDrive(string path) => path.Length >= DriveLength && char.IsAsciiLetter(path[0]) && path[1] == ':';

    private static string? TrapOf(string name)
    {
        if (name is "." or ".." or "?")
        {
            return null; // the last begins \\?\Volume{...}
        }

        if (name.Contains(':', StringComparison.Ordinal))
        {
            return $"has a colon in '{name}', which names a stream within a file";
        }

        string stem = name.Split('.')[0].TrimEnd(' ');
        bool numbered = stem.Length == 4 && stem[3] is (>= '1' and <= '9') or '¹' or '²' or '³'
            && NumberedDevices.Contains(stem[..3], StringComparer.OrdinalIgnoreCase);
        return numbered || Devices.Contains(stem, StringComparer.OrdinalIgnoreCase) ? $"has the name '{name}', which means a device"
            : name[^1] is '.' or ' ' ? $"has a name that ends in a dot or a space, '{name}', which Windows drops"
            : null;
    }
}
