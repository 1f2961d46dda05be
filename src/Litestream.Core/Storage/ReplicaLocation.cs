using System.Globalization;
using System.Text;

namespace Litestream.Storage;

/// <summary>Turns the text that a person writes for a replica's place into the store behind it.</summary>
public static class ReplicaLocation
{
    private const string FileScheme = "file";
    private const string Accepted = "Give a folder path or a file:///absolute/path URL.";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // What Litestream itself replicates to.
    private static readonly string[] LaterSchemes = ["s3", "gs", "gcs", "abs", "oss", "sftp", "nats", "webdav", "webdavs"];

    /// <summary>Opens a place. Nothing is read or written yet; the folder need not exist.</summary>
    /// <param name="location">A folder path (relative, UNC, with spaces or any letters) or a <c>file://</c> URL.</param>
    /// <exception cref="ReplicaLocationException">The text cannot be a place, or names a kind of store that is not known.</exception>
    public static IReplicaStore Open(string location)
    {
        ArgumentNullException.ThrowIfNull(location);
        if (string.IsNullOrWhiteSpace(location))
        {
            throw Invalid(location, $"The replica's place is empty. {Accepted}");
        }

        string path = FolderPath(location);
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid(location, $"The replica's place has a NUL character in it, which no path can have. {Accepted}");
        }

        RefuseWindowsPathElsewhere(location, path);
        string full;
        try
        {
            full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or IOException)
        {
            throw Invalid(location, $"'{location}' cannot be a folder: {e.Message} {Accepted}", e);
        }

        return File.Exists(full) ? throw IsAFile(full) : new FolderReplicaStore(full);
    }

    internal static ReplicaLocationException IsAFile(string path) => Invalid(
        path,
        $"'{path}' is a file, and a replica is a folder. Nothing was written and the file is untouched. Choose another place.");

    private static string FolderPath(string location)
    {
        int colon = location.IndexOf(':', StringComparison.Ordinal);
        bool isUrl = colon > 1 && IsScheme(location.AsSpan(0, colon));
        string scheme = isUrl ? location[..colon] : "";
        bool isFile = scheme.Equals(FileScheme, StringComparison.OrdinalIgnoreCase);
        if (!isUrl || !(isFile || location.AsSpan(colon).StartsWith("://", StringComparison.Ordinal)))
        {
            return location;
        }

        if (isFile)
        {
            return FromFileUrl(location, location[(colon + 1)..]);
        }

        // No part of the URL but its scheme: it may carry a password or key.
        throw LaterSchemes.Contains(scheme, StringComparer.OrdinalIgnoreCase)
            ? new ReplicaLocationException($"Replicas at {scheme}:// are not supported yet. Nothing was written. {Accepted}")
            : new ReplicaLocationException($"'{scheme}://' is not a kind of replica that is known. Nothing was written. {Accepted}");
    }

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return false;
            }
        }

        return char.IsAsciiLetter(text[0]);
    }

    /// <summary>RFC 8089: <c>file://[host]/path</c>, percent-encoded UTF-8.</summary>
    private static string FromFileUrl(string location, string rest)
    {
        if (!rest.StartsWith("//", StringComparison.Ordinal))
        {
            throw Invalid(location, $"'{location}' is not a whole file URL. {Accepted}");
        }

        if (rest.AsSpan().ContainsAny('?', '#'))
        {
            throw Invalid(
                location,
                $"'{location}' has a '?' or '#' in it, which end the path of a URL. Write them as %3F and %23, or give a plain folder path.");
        }

        int slash = rest.IndexOf('/', 2);
        string host = slash < 0 ? rest[2..] : rest[2..slash];
        string path = slash < 0 ? "" : PercentDecode(location, rest[slash..]);
        if (path.Length < 2 && (host.Length > 0 || path.Length == 0))
        {
            throw Invalid(location, $"'{location}' names no folder: a file URL has three slashes. {Accepted}");
        }

        if (host.Length > 0 && !host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return OperatingSystem.IsWindows()
                ? $@"\\{host}{path.Replace('/', '\\')}"
                : throw Invalid(
                    location,
                    $"'{location}' names a folder on the machine '{host}'. Mount it here and give its path; for a folder here write "
                    + $"file:///{host}{path} or file://{path}.");
        }

        bool hasDrive = path.Length >= 3 && char.IsAsciiLetter(path[1]) && path[2] == ':';
        return OperatingSystem.IsWindows() && hasDrive ? path[1..] : path;
    }

    private static string PercentDecode(string location, string text)
    {
        byte[] bytes = StrictUtf8.GetBytes(text);
        int length = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte value = bytes[i];
            if (value == '%')
            {
                if (i + 2 >= bytes.Length
                    || !byte.TryParse(bytes.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value))
                {
                    throw Invalid(location, $"'{location}' has a '%' that two hex digits do not follow. Write a percent sign as %25.");
                }

                i += 2;
            }

            bytes[length++] = value;
        }

        try
        {
            return StrictUtf8.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException e)
        {
            throw Invalid(location, $"'{location}' has %-sequences that are not UTF-8. Give a plain folder path instead.", e);
        }
    }

    /// <summary>Elsewhere a backslash is a letter like any other: the text would make a folder of that odd name in the current one.</summary>
    private static void RefuseWindowsPathElsewhere(string location, string path)
    {
        bool isWindowsPath = path.StartsWith(@"\\", StringComparison.Ordinal)
            || (path.Length >= 3 && char.IsAsciiLetter(path[0]) && path[1] == ':' && path[2] == '\\');
        if (isWindowsPath && !OperatingSystem.IsWindows())
        {
            throw Invalid(location, $"'{location}' is a path of Windows, and this machine does not run it. Mount the share and give its path here.");
        }
    }

    private static ReplicaLocationException Invalid(string location, string message, Exception? cause = null) =>
        new(message, cause) { Replica = location };
}
