using System.Globalization;
using Litestream.Legacy;
using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Restoration;

/// <summary>
/// The file that becomes the database: <c>&lt;target&gt;.restoring-&lt;process id&gt;</c>, beside the target so that it can be renamed.
/// It is deleted unless it was put in place. While it is open it is locked (FileShare.None), and so tells itself from the
/// leftovers of restores that were killed, which the next restore to the same target removes.
/// </summary>
internal sealed class RestoringFile : IDisposable, IImageOutput
{
    private const string Mark = ".restoring-";
    private const string Spool = ".spool";

    private readonly string _target;
    private readonly SafeFileHandle _handle;
    private bool _placed;
    private long _written;

    private RestoringFile(string target, string path, long length, bool durable, SafeFileHandle handle)
    {
        _target = target;
        Path = path;
        Length = length;
        IsDurable = durable;
        _handle = handle;
    }

    /// <summary>Its full path.</summary>
    internal string Path { get; }

    /// <summary>Its length in bytes.</summary>
    internal long Length { get; private set; }

    /// <summary>Whether it has to outlive a loss of power.</summary>
    internal bool IsDurable { get; }

    /// <summary>The temporary file beside it in which the WALs of Litestream 0.3 are put together.</summary>
    internal string SpoolPath => Path + Spool;

    /// <summary>Makes it, of its final length and all zeros.</summary>
    /// <param name="target">Full path of the database to be.</param>
    /// <param name="length">Length in bytes.</param>
    /// <param name="durable">Whether it has to outlive a loss of power.</param>
    /// <exception cref="RestoreTargetUnusableException">It cannot be made there, or there is no room.</exception>
    /// <exception cref="RestoreTargetInUseException">Another restore to the same target runs in this process.</exception>
    internal static RestoringFile Create(string target, long length, bool durable)
    {
        try
        {
            RemoveLeftovers(target);
            RequireRoom(target, length);
            string path = target + Mark + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            if (File.Exists(path))
            {
                throw new RestoreTargetInUseException(
                    $"Another restore to '{target}' is running. Nothing was changed. Let it end first.")
                { File = target };
            }

            SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None);
            var file = new RestoringFile(target, path, length, durable, handle);
            try
            {
                RandomAccess.SetLength(handle, length);
                return file;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(target, length, e);
        }
    }

    /// <summary>Writes bytes to their place. Several threads may, within the length.</summary>
    /// <param name="offset">Where, from the start of the file.</param>
    /// <param name="bytes">What.</param>
    /// <exception cref="RestoreTargetUnusableException">The disk did not take it.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, offset);
            if (offset + bytes.Length > Length)
            {
                Length = offset + bytes.Length;
            }

            if (IsDurable)
            {
                long written = Interlocked.Add(ref _written, bytes.Length);
                DurableFile.BeginToFlush(_handle, written - bytes.Length, written);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(_target, Length, e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="RestoreTargetUnusableException">The disk did not take it, or has no room for it.</exception>
    public void SetLength(long length)
    {
        try
        {
            RequireRoom(_target, length - Length);
            RandomAccess.SetLength(_handle, length);
            Length = length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(_target, length, e);
        }
    }

    /// <summary>Makes the content durable, if it has to be.</summary>
    /// <exception cref="RestoreTargetUnusableException">The disk did not take it.</exception>
    internal void Flush()
    {
        if (!IsDurable)
        {
            return;
        }

        try
        {
            DurableFile.Flush(_handle, Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(_target, Length, e);
        }
    }

    /// <summary>
    /// Lets others open it. On Windows nothing else could read or rename it; elsewhere the lock stays until the end, and nothing
    /// that opens it takes locks of its own.
    /// </summary>
    internal void CloseOnWindows()
    {
        if (OperatingSystem.IsWindows())
        {
            _handle.Dispose();
        }
    }

    /// <summary>Gives it the target's name. The folder remains to be flushed.</summary>
    /// <param name="replace">Replace a file of that name.</param>
    /// <exception cref="IOException">It keeps its name.</exception>
    internal void Place(bool replace)
    {
        CloseOnWindows();
        if (replace)
        {
            DurableFile.Rename(Path, _target);
        }
        else
        {
            File.Move(Path, _target, overwrite: false);
        }

        _placed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_placed)
        {
            DurableFile.TryDelete(Path);
        }

        _handle.Dispose();
        if (!_placed && OperatingSystem.IsWindows())
        {
            DurableFile.TryDelete(Path);
        }
    }

    /// <summary>The error for a target that cannot be written.</summary>
    internal static RestoreTargetUnusableException Unusable(string target, long length, Exception cause) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"The restored database '{target}' cannot be written: {cause.Message} It needs {length} bytes{Free(target)}. What stood there "
            + $"before is untouched and the temporary file is removed. Make room, give this user write access to the folder, or choose another place."),
        cause)
    { File = target };

    private static void RequireRoom(string target, long length)
    {
        if (FreeBytes(target) is { } free && free < length)
        {
            throw new IOException("There is not enough room on the disk.");
        }
    }

    private static string Free(string target) =>
        FreeBytes(target) is { } free ? string.Create(CultureInfo.InvariantCulture, $", {free} are free") : "";

    // Null where the system cannot tell, as for some network shares.
    private static long? FreeBytes(string target)
    {
        try
        {
            return new DriveInfo(System.IO.Path.GetDirectoryName(target)!).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static void RemoveLeftovers(string target)
    {
        string prefix = System.IO.Path.GetFileName(target) + Mark;
        foreach (string path in Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(target)!))
        {
            string name = System.IO.Path.GetFileName(path);
            ReadOnlySpan<char> file = name.EndsWith(Spool, StringComparison.Ordinal) ? name.AsSpan(0, name.Length - Spool.Length) : name;
            if (!file.StartsWith(prefix, StringComparison.Ordinal)
                || !int.TryParse(file[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                continue;
            }

            try
            {
                using (File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                {
                }

                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Locked: that restore is alive. Not ours to delete: it does not stand in our way.
            }
        }
    }
}
