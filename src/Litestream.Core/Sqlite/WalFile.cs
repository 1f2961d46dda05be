using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Sqlite;

/// <summary>
/// The <c>-wal</c> file beside a database, open for reading. SQLite takes no locks on it, so unlike the database and
/// <c>-shm</c> it may be opened and closed at will.
/// </summary>
internal sealed class WalFile : IDisposable
{
    private SafeFileHandle? _handle;

    /// <summary>Names the file; it need not exist yet.</summary>
    /// <param name="databasePath">Full path of the database.</param>
    public WalFile(string databasePath)
    {
        DatabasePath = databasePath;
        Path = databasePath + "-wal";
    }

    /// <summary>Full path of the database.</summary>
    public string DatabasePath { get; }

    /// <summary>Full path of the WAL.</summary>
    public string Path { get; }

    /// <summary>Length in bytes; 0 if there is none.</summary>
    public long Length => TryOpen(out SafeFileHandle? handle) ? RandomAccess.GetLength(handle) : 0;

    /// <summary>Reads the header. False if there is no file, or nothing valid in it.</summary>
    /// <param name="header">The header.</param>
    public bool TryReadHeader(out WalHeader header)
    {
        Span<byte> bytes = stackalloc byte[WalHeader.Size];
        return WalHeader.TryParse(bytes[..Read(0, bytes)], out header);
    }

    /// <summary>Reads a frame's header without checking it. False if the file ends before it.</summary>
    /// <param name="offset">Where the frame begins.</param>
    /// <param name="header">The header.</param>
    public bool TryReadFrameHeader(long offset, out WalFrameHeader header)
    {
        Span<byte> bytes = stackalloc byte[WalFrameHeader.Size];
        bool found = Read(offset, bytes) == bytes.Length;
        header = found ? WalFrameHeader.Parse(bytes) : default;
        return found;
    }

    /// <summary>Reads as much as there is.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="buffer">Where to.</param>
    /// <returns>Bytes read; fewer than asked for only at the end of the file.</returns>
    public int Read(long offset, Span<byte> buffer)
    {
        if (!TryOpen(out SafeFileHandle? handle))
        {
            return 0;
        }

        try
        {
            int total = 0;
            while (total < buffer.Length)
            {
                int read = RandomAccess.Read(handle, buffer[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return total;
        }
        catch (IOException e)
        {
            throw new DatabaseIOException($"Reading '{Path}' failed: {e.Message} What was captured before is safe; replication tries again.", e)
            { Database = DatabasePath, File = Path };
        }
    }

    /// <summary>Whether the name still leads to the file that is open here. True while there is neither.</summary>
    public bool IsCurrent()
    {
        bool exists = FileIdentity.TryGet(Path, out FileIdentity named);
        if (_handle is null)
        {
            return true;
        }

        return exists && FileIdentity.TryGet(_handle, out FileIdentity open) && open.SameFile(named);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle?.Dispose();
        _handle = null;
    }

    private bool TryOpen([NotNullWhen(true)] out SafeFileHandle? handle)
    {
        if (_handle is null && File.Exists(Path))
        {
            try
            {
                // Delete sharing: on Windows the application's last close must still be able to remove the file.
                _handle = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (FileNotFoundException)
            {
                _handle = null; // removed between the look and the opening
            }
            catch (UnauthorizedAccessException e)
            {
                throw new DatabaseAccessDeniedException(
                    $"'{Path}' may not be read by this user. Nothing was changed. Give it read access to the database and the files beside it.", e)
                { Database = DatabasePath, File = Path };
            }
        }

        handle = _handle;
        return handle is not null;
    }
}
