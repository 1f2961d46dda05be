using System.Globalization;
using System.Text;

namespace Litestream.Storage;

/// <summary>A replica in a folder of a local, mounted or shared disk.</summary>
/// <param name="Path">The folder's full path, without a separator at its end. It need not exist.</param>
public sealed record FolderLocation(string Path) : ReplicaLocation
{
    internal const string FileScheme = "file";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <inheritdoc/>
    public override string Address => Path;

    /// <inheritdoc/>
    /// <exception cref="ReplicaLocationException">There is a file of that name.</exception>
    public override IReplicaStore Open() => File.Exists(Path) ? throw IsAFile(Path) : new FolderReplicaStore(Path);

    /// <inheritdoc/>
    public override ReplicaLocation Below(string relative)
    {
        ArgumentException.ThrowIfNullOrEmpty(relative);
        return new FolderLocation(System.IO.Path.Combine(Path, relative.Replace('/', System.IO.Path.DirectorySeparatorChar)));
    }

    /// <summary>The folder of a path, relative to the process' current folder.</summary>
    /// <param name="path">Relative, UNC, with spaces or any letters.</param>
    /// <exception cref="ReplicaLocationException">It cannot be a folder.</exception>
    public static FolderLocation OfPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return OfPath(path, path, Environment.CurrentDirectory);
    }

    /// <summary>The folder of a path, relative to a folder.</summary>
    /// <param name="path">As written.</param>
    /// <param name="baseFolder">Full path.</param>
    /// <exception cref="ReplicaLocationException">It cannot be a folder.</exception>
    internal static FolderLocation OfPath(string path, string baseFolder) => OfPath(path, path, baseFolder);

    /// <summary>The folder of a <c>file://</c> URL.</summary>
    /// <param name="url">As written, its scheme included.</param>
    internal static FolderLocation OfUrl(string url) => OfPath(url, FromFileUrl(url, url[(FileScheme.Length + 1)..]), Environment.CurrentDirectory);

    internal static ReplicaLocationException IsAFile(string path) => Invalid(
        path,
        $"'{path}' is a file, and a replica is a folder. Nothing was written and the file is untouched. Choose another place.");

    private static FolderLocation OfPath(string location, string path, string baseFolder)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid(location, $"The replica's place has a NUL character in it, which no path can have. {Accepted}");
        }

        RefuseWindowsPathElsewhere(location, path);
        try
        {
            return new FolderLocation(System.IO.Path.TrimEndingDirectorySeparator(FullPath.Of(path, baseFolder)));
        }
        catch (PathUnusableException e)
        {
            throw Invalid(location, e.Message, e);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or IOException)
        {
            throw Invalid(location, $"'{location}' cannot be a folder: {e.Message} {Accepted}", e);
        }
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
}
