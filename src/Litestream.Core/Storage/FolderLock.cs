using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// The right to write to a folder, held by one process at a time, and the record of who holds it.
/// <para>
/// The right is a lock of the kernel on the open file <c>.replicator.lock</c> (flock on Unix, a share mode of none on Windows):
/// it goes when the process ends, however it ends, so there is no stale lock to judge by age. The file itself stays, since
/// deleting it would let two processes lock two files of the same name. Who holds it stands in <c>.replicator.json</c>, which
/// is written after the lock was taken and deleted before it is let go; it informs and decides nothing.
/// </para>
/// </summary>
internal sealed class FolderLock : IDisposable
{
    public const string LockFileName = ".replicator.lock";
    public const string OwnerFileName = ".replicator.json";

    // A record is a few hundred bytes; one that is longer was not written by us.
    private const int MaxOwnerBytes = 64 * 1024;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    private readonly string _ownerPath;
    private SafeFileHandle? _handle;

    private FolderLock(string ownerPath, SafeFileHandle handle)
    {
        _ownerPath = ownerPath;
        _handle = handle;
    }

    /// <summary>Takes the right, or returns null when another holds it.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="owner">Who takes it.</param>
    /// <exception cref="IOException">The folder cannot be written, or its file system has no locks.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static FolderLock? TryAcquire(string folder, ReplicaOwner owner)
    {
        SafeFileHandle? handle = TryLock(Path.Combine(folder, LockFileName));
        if (handle is null)
        {
            return null;
        }

        string ownerPath = Path.Combine(folder, OwnerFileName);
        try
        {
            foreach (string leftover in DurableFile.TemporariesOf(ownerPath))
            {
                File.Delete(leftover);
            }

            DurableFile.WriteAllBytes(ownerPath, JsonSerializer.SerializeToUtf8Bytes(owner, ReplicaOwnerJson.Default.ReplicaOwner));
            return new FolderLock(ownerPath, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Who holds a folder, or null if no record of it can be read.</summary>
    /// <param name="folder">The folder.</param>
    public static ReplicaOwner? ReadOwner(string folder)
    {
        try
        {
            using FileStream stream = new(
                Path.Combine(folder, OwnerFileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length > MaxOwnerBytes)
            {
                return null;
            }

            ReplicaOwner? owner = JsonSerializer.Deserialize(stream, ReplicaOwnerJson.Default.ReplicaOwner);
            return owner is { Host: not null, Database: not null } ? owner : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Who holds a folder, for a message that goes on with what it does.</summary>
    /// <param name="folder">The folder.</param>
    public static string DescribeOwner(string folder) => ReadOwner(folder) is { } owner
        ? string.Create(CultureInfo.InvariantCulture, $"process {owner.ProcessId} on {owner.Host}, since {owner.Since:u},")
        : "another replicator";

    /// <summary>Lets go. Deletes the record first, while nobody else can write one.</summary>
    public void Dispose()
    {
        SafeFileHandle? handle = Interlocked.Exchange(ref _handle, null);
        if (handle is null)
        {
            return;
        }

        DurableFile.TryDelete(_ownerPath);
        handle.Dispose();
    }

    private static SafeFileHandle? TryLock(string path)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult == (OperatingSystem.IsWindows() ? WindowsSharingViolation : Posix.EWOULDBLOCK))
        {
            return null;
        }

        // FileShare.None has taken the flock, unless the file system refuses locks or a setting of the process switches them
        // off: .NET then goes on without. Taking it once more is free and says which.
        while (!OperatingSystem.IsWindows() && Posix.Flock(handle, Posix.LOCK_EX | Posix.LOCK_NB) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Posix.EINTR)
            {
                handle.Dispose();
                return error == Posix.EWOULDBLOCK ? null : throw Posix.Failure(error, $"Locking '{path}'");
            }
        }

        return handle;
    }
}
