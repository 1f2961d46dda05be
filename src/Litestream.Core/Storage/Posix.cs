using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// The file calls of POSIX that .NET leaves out or whose errors it hides. 64-bit Linux (glibc, musl) and macOS only:
/// the numbers below are theirs (asm-generic/errno.h, sys/errno.h, fcntl.h).
/// </summary>
internal static partial class Posix
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EINVAL = 22;
    public const int ENOSPC = 28;
    public const int EROFS = 30;

    /// <summary>macOS: flush the drive's cache as well, which its fsync does not.</summary>
    public const int F_FULLFSYNC = 51;

    public const uint SYNC_FILE_RANGE_WRITE = 2;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public static readonly int EWOULDBLOCK = OperatingSystem.IsMacOS() ? 35 : 11;
    public static readonly int EDQUOT = OperatingSystem.IsMacOS() ? 69 : 122;
    public static readonly int ENOTSUP = OperatingSystem.IsMacOS() ? 45 : 95;
    public static readonly int O_RDONLY_CLOEXEC = OperatingSystem.IsMacOS() ? 0x0100_0000 : 0x0008_0000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Fsync(SafeFileHandle file);

    /// <summary>Linux: begins to write what is dirty in a range, and does not wait. It makes nothing durable.</summary>
    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    public static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mkdir(string path, uint mode);

    /// <summary>The exception that .NET's own file calls throw for an error number; <see cref="Exception.HResult"/> is that number.</summary>
    /// <param name="errno">The error number.</param>
    /// <param name="what">The call and the path: "fsync of 'x'".</param>
    public static Exception Failure(int errno, string what)
    {
        string message = $"{what} failed: {Marshal.GetPInvokeErrorMessage(errno)} (error {errno}).";
        return errno switch
        {
            EPERM or EACCES => new UnauthorizedAccessException(message),
            ENOENT => new DirectoryNotFoundException(message),
            _ => new IOException(message, errno),
        };
    }
}
