using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Sqlite;

/// <summary>
/// Which file a path names just now, so that a replaced file is noticed though its name stayed. Looking opens nothing on Unix
/// (a closed descriptor of the database would drop SQLite's locks on it).
/// </summary>
/// <param name="Device">Volume or device.</param>
/// <param name="Number">Inode or file index on it.</param>
/// <param name="Size">Length in bytes at the time of the look.</param>
internal readonly partial record struct FileIdentity(long Device, long Number, long Size)
{
    /// <summary>Whether both are one file, whatever its size.</summary>
    /// <param name="other">The other look.</param>
    public bool SameFile(in FileIdentity other) => Device == other.Device && Number == other.Number;

    /// <summary>Looks at a path. False if nothing is there.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="identity">What is there.</param>
    public static bool TryGet(string path, out FileIdentity identity) =>
        OperatingSystem.IsWindows() ? TryGetWindows(path, out identity) : TryGetUnix(path, out identity);

    /// <summary>Looks at an open handle.</summary>
    /// <param name="handle">The handle.</param>
    /// <param name="identity">What it is open on.</param>
    public static bool TryGet(SafeFileHandle handle, out FileIdentity identity)
    {
        if (OperatingSystem.IsWindows())
        {
            return TryGetWindows(handle, out identity);
        }

        int result = FStat(handle, out UnixStatus status);
        identity = new FileIdentity(status.Device, status.Inode, status.Size);
        return result == 0;
    }

    private static bool TryGetUnix(string path, out FileIdentity identity)
    {
        int result = Stat(path, out UnixStatus status);
        identity = new FileIdentity(status.Device, status.Inode, status.Size);
        return result == 0;
    }

    private static bool TryGetWindows(string path, out FileIdentity identity)
    {
        identity = default;
        try
        {
            // Windows locks belong to the handle: closing this one drops nobody else's.
            using SafeFileHandle handle = File.OpenHandle(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return TryGetWindows(handle, out identity);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool TryGetWindows(SafeFileHandle handle, out FileIdentity identity)
    {
        bool found = GetFileInformationByHandle(handle, out WindowsStatus status);
        identity = new FileIdentity(
            status.VolumeSerialNumber,
            ((long)status.FileIndexHigh << 32) | status.FileIndexLow,
            ((long)status.FileSizeHigh << 32) | status.FileSizeLow);
        return found;
    }

    // The runtime's own portable stat: one layout on every Unix and processor (FileStatus in Interop.Stat.cs of .NET 10).
    [StructLayout(LayoutKind.Sequential)]
    private struct UnixStatus
    {
        public int Flags;
        public int Mode;
        public uint Uid;
        public uint Gid;
        public long Size;
        public long AccessTime;
        public long AccessTimeNanoseconds;
        public long ModifyTime;
        public long ModifyTimeNanoseconds;
        public long ChangeTime;
        public long ChangeTimeNanoseconds;
        public long BirthTime;
        public long BirthTimeNanoseconds;
        public long Device;
        public long RealDevice;
        public long Inode;
        public uint UserFlags;
        private readonly long _reserved; // room, should a later runtime append a field
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowsStatus
    {
        public uint Attributes;
        public uint CreationTimeLow;
        public uint CreationTimeHigh;
        public uint AccessTimeLow;
        public uint AccessTimeHigh;
        public uint WriteTimeLow;
        public uint WriteTimeHigh;
        public uint VolumeSerialNumber;
        public uint FileSizeHigh;
        public uint FileSizeLow;
        public uint Links;
        public uint FileIndexHigh;
        public uint FileIndexLow;
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(string path, out UnixStatus status);

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_FStat")]
    private static partial int FStat(SafeFileHandle handle, out UnixStatus status);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFileInformationByHandle(SafeFileHandle handle, out WindowsStatus status);
}
