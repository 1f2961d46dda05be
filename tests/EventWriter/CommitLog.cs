using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SQLitePCL;

namespace Litestream.Tests.EventWriter;

/// <summary>
/// When each commit of a connection happened, and where in the WAL it ends. SQLite's WAL hook tells: it is called right after
/// a commit with the number of frames in the WAL. A connection has one such hook, which is also how it checkpoints by itself,
/// so that is done here in its stead.
/// </summary>
internal sealed partial class CommitLog : IDisposable
{
    private const int WalHeaderSize = 32;
    private const int FrameHeaderSize = 24;
    private const int SaltOffset = 16;
    private const int CheckpointPassive = 0;

    private readonly sqlite3 _database;
    private readonly SafeFileHandle _wal;
    private readonly int _frameSize;
    private readonly int _autoCheckpoint;
    private readonly List<Commit> _commits = new(1 << 16);
    private readonly Lock _lock = new();
    private GCHandle _self;

    /// <summary>Begins to log the commits of a connection.</summary>
    /// <param name="database">A connection in WAL mode that has read the database, so that the WAL file is there.</param>
    /// <param name="path">The database's path.</param>
    /// <param name="pageSize">Bytes.</param>
    /// <param name="autoCheckpoint">Frames from which it checkpoints; 0 for never.</param>
    public unsafe CommitLog(sqlite3 database, string path, int pageSize, int autoCheckpoint)
    {
        _database = database;
        _frameSize = FrameHeaderSize + pageSize;
        _autoCheckpoint = autoCheckpoint;

        // The WAL file carries no locks: a handle of our own on it disturbs nobody. It lives as long as a connection is open.
        _wal = File.OpenHandle(path + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        _self = GCHandle.Alloc(this);
        sqlite3_wal_hook(database.DangerousGetHandle(), &Committed, GCHandle.ToIntPtr(_self));
    }

    /// <summary>The commits so far, in order.</summary>
    public Commit[] Commits
    {
        get
        {
            lock (_lock)
            {
                return [.. _commits];
            }
        }
    }

    public unsafe void Dispose()
    {
        sqlite3_wal_hook(_database.DangerousGetHandle(), null, 0);
        _wal.Dispose();
        _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Committed(nint self, nint database, byte* name, int frames)
    {
        long now = TimeProvider.System.GetTimestamp();
        return ((CommitLog)GCHandle.FromIntPtr(self).Target!).Add(now, database, frames);
    }

    private int Add(long now, nint database, int frames)
    {
        // Only this connection writes, so the header is still the one of this commit's generation, unless a TRUNCATE
        // checkpoint has emptied the file meanwhile.
        Span<byte> salts = stackalloc byte[8];
        bool known = RandomAccess.Read(_wal, salts, SaltOffset) == salts.Length;
        long end = WalHeaderSize + ((long)frames * _frameSize);
        lock (_lock)
        {
            Commit? last = _commits.Count > 0 ? _commits[^1] : null;
            uint salt1 = known ? BinaryPrimitives.ReadUInt32BigEndian(salts)
                : last is null ? 0
                : end > last.Value.End ? last.Value.Salt1 : last.Value.Salt1 + 1;
            _commits.Add(new Commit(now, salt1, end));
        }

        // SQLite's own hook gives the checkpoint's result to the committing statement; a busy one is no failure of the commit.
        if (_autoCheckpoint > 0 && frames >= _autoCheckpoint)
        {
            sqlite3_wal_checkpoint_v2(database, "main", CheckpointPassive, 0, 0);
        }

        return 0;
    }

    [LibraryImport("e_sqlite3")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe partial nint sqlite3_wal_hook(nint database, delegate* unmanaged[Cdecl]<nint, nint, byte*, int, int> hook, nint argument);

    [LibraryImport("e_sqlite3", StringMarshalling = StringMarshalling.Utf8)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int sqlite3_wal_checkpoint_v2(nint database, string name, int mode, nint logFrames, nint copiedFrames);

    /// <summary>One commit.</summary>
    /// <param name="Time">Timestamp right after it.</param>
    /// <param name="Salt1">Which generation of the WAL: each is one more than the one before, modulo 2^32.</param>
    /// <param name="End">Offset in the WAL file where its last frame ends.</param>
    public readonly record struct Commit(long Time, uint Salt1, long End);
}
