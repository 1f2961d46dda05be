using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// File operations that are on the disk when they return, or throw.
/// <para>
/// A file appears under its name only after its content was flushed, and the name itself is durable once the directory was
/// flushed. .NET ignores what fsync answers on Unix (<c>Flush(true)</c> and <c>RandomAccess.FlushToDisk</c> return normally on
/// EIO and ENOSPC), so fsync is called here and its answer checked. After a failed fsync the kernel may have dropped the
/// dirty pages and marked them clean: a second fsync of the same file proves nothing. Write the file anew instead.
/// </para>
/// </summary>
internal static partial class DurableFile
{
    private const int WindowsAccessDenied = unchecked((int)0x80070005);
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const uint MoveFileReplaceExisting = 1;
    private const uint MoveFileWriteThrough = 8;
    private const string TemporarySuffix = ".tmp";
    private const int FlushStep = 8 << 20;
    private const uint DirectoryMode = 0x1FF; // 0777, less the umask

    /// <summary>The name under which a file is written before it takes its own. Ends in <c>.tmp</c>.</summary>
    /// <param name="path">The final path.</param>
    public static string TemporaryName(string path) => $"{path}.{Environment.ProcessId}{TemporarySuffix}";

    /// <summary>The temporary files of a file that lie beside it, of this process and of others, living or not.</summary>
    /// <param name="path">The final path; its folder exists.</param>
    /// <returns>Their full paths.</returns>
    public static IEnumerable<string> TemporariesOf(string path)
    {
        // Compared here, not by a pattern: a name may hold what a pattern means otherwise, and Wine finds nothing by "name.*".
        string prefix = Path.GetFileName(path) + ".";
        return Directory.EnumerateFiles(Path.GetDirectoryName(path)!, "*" + TemporarySuffix).Where(file =>
        {
            ReadOnlySpan<char> name = Path.GetFileName(file.AsSpan());
            return name.Length > prefix.Length + TemporarySuffix.Length
                && name.StartsWith(prefix, StringComparison.Ordinal)
                && name.EndsWith(TemporarySuffix, StringComparison.Ordinal)
                && !name[prefix.Length..^TemporarySuffix.Length].ContainsAnyExceptInRange('0', '9');
        });
    }

    /// <summary>Writes what a stream still buffers, then flushes the file to the disk.</summary>
    /// <param name="stream">An open file.</param>
    /// <exception cref="IOException">The disk did not take it; the message names the file.</exception>
    public static void Flush(FileStream stream)
    {
        stream.Flush(flushToDisk: false);
        Flush(stream.SafeFileHandle, stream.Name);
    }

    /// <summary>Flushes a file's content and length to the disk.</summary>
    /// <param name="handle">An open file.</param>
    /// <param name="path">Its path, for the error message.</param>
    /// <exception cref="IOException">The disk did not take it; the message names the file.</exception>
    public static void Flush(SafeFileHandle handle, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(handle);
            return;
        }

        // Not every file system of macOS knows F_FULLFSYNC: then fsync is the most it can do.
        if (OperatingSystem.IsMacOS() && Posix.Fcntl(handle, Posix.F_FULLFSYNC) != -1)
        {
            return;
        }

        int error = Fsync(handle);
        if (error != 0)
        {
            throw Posix.Failure(error, $"fsync of '{path}'");
        }
    }

    /// <summary>
    /// Gives the disk work each time a file that is being written has grown by some megabytes, so that little is left to wait for when it is flushed.
    /// Only a hint, and only on Linux: whether the disk took it, <see cref="Flush(SafeFileHandle, string)"/> tells.
    /// </summary>
    /// <param name="handle">The file.</param>
    /// <param name="before">Bytes written to it before the last write.</param>
    /// <param name="after">Bytes written to it by now.</param>
    public static void BeginToFlush(SafeFileHandle handle, long before, long after)
    {
        if (OperatingSystem.IsLinux() && before / FlushStep != after / FlushStep)
        {
            _ = Posix.SyncFileRange(handle, 0, 0, Posix.SYNC_FILE_RANGE_WRITE);
        }
    }

    /// <summary>Makes the names in a directory durable: files created, renamed or deleted in it. Nothing to do on Windows.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">The disk did not take it; the message names the directory.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be opened.</exception>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using SafeFileHandle directory = Posix.Open(path, Posix.O_RDONLY_CLOEXEC);
        if (directory.IsInvalid)
        {
            throw Posix.Failure(Marshal.GetLastPInvokeError(), $"Opening the directory '{path}'");
        }

        int error = Fsync(directory);

        // Some network and user-space file systems have no fsync for directories and say so: their names need none.
        if (error != 0 && error != Posix.EINVAL && error != Posix.ENOTSUP)
        {
            throw Posix.Failure(error, $"fsync of the directory '{path}'");
        }
    }

    /// <summary>
    /// Gives a file another name in the same file system; what had that name is replaced at once. Durable on Windows,
    /// elsewhere once <see cref="FlushDirectory"/> was called for its directory.
    /// </summary>
    /// <param name="from">The file.</param>
    /// <param name="to">Its new path.</param>
    /// <exception cref="IOException">It keeps its old name.</exception>
    public static void Rename(string from, string to)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.Move(from, to, overwrite: true);
            return;
        }

        // MoveFileEx keeps MAX_PATH, unless the whole process has opted out of it.
        string source = WindowsName.Extend(Path.GetFullPath(from));
        string target = WindowsName.Extend(Path.GetFullPath(to));
        if (!MoveFileEx(source, target, MoveFileReplaceExisting | MoveFileWriteThrough))
        {
            int hresult = Marshal.GetHRForLastWin32Error();
            if (hresult is WindowsAccessDenied or WindowsSharingViolation && WindowsRename.TryReplaceOpenFile(source, target))
            {
                return;
            }

            throw Marshal.GetExceptionForHR(hresult) as UnauthorizedAccessException as Exception
                ?? new IOException($"Renaming '{from}' to '{to}' failed: {Marshal.GetPInvokeErrorMessage(hresult & 0xFFFF)}", hresult);
        }
    }

    /// <summary>Makes a directory and those above it; each new name is durable.</summary>
    /// <param name="path">Full path of the directory.</param>
    public static void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        CreateDirectoryInExisting(path);
    }

    /// <summary>
    /// Makes a directory in one that exists, durably. Unlike <see cref="Directory.CreateDirectory(string)"/> it never makes the
    /// one above: a vanished mount point stays vanished.
    /// </summary>
    /// <param name="path">Full path of the directory. No error if it is there.</param>
    /// <exception cref="DirectoryNotFoundException">The directory above it is not there.</exception>
    public static void CreateDirectoryInExisting(string path)
    {
        string name = Path.TrimEndingDirectorySeparator(path);
        string? parent = Path.GetDirectoryName(name);
        if (OperatingSystem.IsWindows())
        {
            if (parent is not null && !Directory.Exists(parent))
            {
                throw new DirectoryNotFoundException($"Could not find the directory '{parent}'.");
            }

            Directory.CreateDirectory(path);
            return;
        }

        if (Posix.Mkdir(name, DirectoryMode) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Posix.EEXIST || !Directory.Exists(name))
            {
                throw Posix.Failure(error, $"Making the directory '{path}'");
            }
        }

        if (parent is not null)
        {
            FlushDirectory(parent);
        }
    }

    /// <summary>Writes a whole small file: after a crash at any moment the old or the new content stands under the name.</summary>
    /// <param name="path">Full path. An existing file is replaced.</param>
    /// <param name="content">All of its bytes.</param>
    /// <exception cref="IOException">The old content, or no file, stands under the name.</exception>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> content)
    {
        string temporary = TemporaryName(path);
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                stream.Write(content);
                Flush(stream);
            }

            Rename(temporary, path);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }

        if (Path.GetDirectoryName(path) is { Length: > 0 } directory)
        {
            FlushDirectory(directory);
        }
    }

    /// <summary>
    /// Deletes a temporary file while another error is on its way to the caller: that one says more than a failed deletion,
    /// and what stays behind ends in <c>.tmp</c> and goes with the next writer.
    /// </summary>
    /// <param name="path">The file.</param>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static int Fsync(SafeFileHandle handle)
    {
        while (Posix.Fsync(handle) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Posix.EINTR)
            {
                return error;
            }
        }

        return 0;
    }

    [LibraryImport("kernel32", EntryPoint = "MoveFileExW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool MoveFileEx(string from, string to, uint flags);
}
