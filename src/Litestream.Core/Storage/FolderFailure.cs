namespace Litestream.Storage;

/// <summary>Says what an operating system's file error means for a replica folder: what happened, what is safe, what to do.</summary>
internal static class FolderFailure
{
    private const int WindowsWriteProtected = unchecked((int)0x80070013);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    /// <summary>Whether an exception comes from the operating system's files, so that <see cref="Translate"/> knows it.</summary>
    /// <param name="error">The exception.</param>
    public static bool IsFileError(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>The exception that a caller of the store gets.</summary>
    /// <param name="error">What the operating system said.</param>
    /// <param name="doing">What was being done, as a clause: "writing 'x'".</param>
    /// <param name="folder">The replica's folder.</param>
    /// <param name="file">The file that it is about, if one.</param>
    public static LitestreamException Translate(Exception error, string doing, string folder, string? file = null)
    {
        if (error is UnauthorizedAccessException || IsReadOnly(error))
        {
            return new ReplicaAccessDeniedException(
                $"The replica folder '{folder}' refuses us: {doing} failed ({error.Message}). The files in it are untouched. "
                + "Give this user the right to write (to restore: to read) there, or choose another place.",
                error)
            {
                Replica = folder,
                File = file,
            };
        }

        string message = IsDiskFull(error)
            ? $"The disk of the replica folder '{folder}' is full: {doing} failed ({error.Message}). The files in the replica are "
                + "whole and nothing half-written is left. Free some space; the same step can then be done again."
            : error is DirectoryNotFoundException or FileNotFoundException or DriveNotFoundException
                ? $"The replica folder '{folder}' is not there: {doing} failed ({error.Message}). "
                    + "Mount or reconnect it, or put it back; nothing was made anew in its place."
                : $"The replica folder '{folder}' cannot be used just now: {doing} failed ({error.Message}). The files in the replica "
                    + "are whole and nothing half-written has taken a file's name. Check the disk or the connection, then do it again.";
        return new ReplicaUnreachableException(message, error) { Replica = folder, File = file };
    }

    /// <summary>Whether the operating system said that there is no room.</summary>
    /// <param name="error">What it said.</param>
    public static bool IsDiskFull(Exception error) => OperatingSystem.IsWindows()
        ? error.HResult is WindowsDiskFull or WindowsHandleDiskFull
        : error.HResult == Posix.ENOSPC || error.HResult == Posix.EDQUOT;

    private static bool IsReadOnly(Exception error) =>
        error.HResult == (OperatingSystem.IsWindows() ? WindowsWriteProtected : Posix.EROFS);
}
