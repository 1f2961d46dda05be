using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// Replaces a file on Windows while others have it open, as rename does on Unix: they keep the old content to its end.
/// MoveFileEx cannot do that. FILE_RENAME_INFO with POSIX semantics can, from Windows 10 1607 on and on NTFS.
/// </summary>
internal static partial class WindowsRename
{
    // winbase.h and winnt.h
    private const int FileRenameInfoEx = 22;
    private const uint ReplaceIfExists = 1;
    private const uint PosixSemantics = 2;
    private const uint GenericWrite = 0x40000000;
    private const uint DeleteAccess = 0x00010000;
    private const uint ShareAll = 7;
    private const uint OpenExisting = 3;

    /// <summary>Tries it; durable if it succeeds.</summary>
    /// <param name="from">The file, as an extended path.</param>
    /// <param name="to">Its new path, extended, in the same volume.</param>
    /// <returns>False where the system or the file system cannot do it, or refuses; then nothing was changed.</returns>
    public static bool TryReplaceOpenFile(string from, string to)
    {
        using SafeFileHandle handle = CreateFile(from, GenericWrite | DeleteAccess, ShareAll, 0, OpenExisting, 0, 0);
        if (handle.IsInvalid)
        {
            return false;
        }

        // FILE_RENAME_INFO: flags u32, root directory handle (aligned to a pointer), length of the name in bytes u32, the name.
        byte[] name = Encoding.Unicode.GetBytes(to);
        int nameLengthAt = 2 * IntPtr.Size;
        byte[] information = new byte[nameLengthAt + sizeof(uint) + name.Length + sizeof(char)];
        BinaryPrimitives.WriteUInt32LittleEndian(information, ReplaceIfExists | PosixSemantics);
        BinaryPrimitives.WriteInt32LittleEndian(information.AsSpan(nameLengthAt), name.Length);
        name.CopyTo(information, nameLengthAt + sizeof(uint));
        return SetFileInformationByHandle(handle, FileRenameInfoEx, information, information.Length) && FlushFileBuffers(handle);
    }

    [LibraryImport("kernel32", EntryPoint = "CreateFileW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    private static partial SafeFileHandle CreateFile(
        string name, uint access, uint share, nint security, uint disposition, uint flags, nint template);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetFileInformationByHandle(SafeFileHandle handle, int kind, byte[] information, int length);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool FlushFileBuffers(SafeFileHandle handle);
}
