using System.Globalization;
using System.Runtime.CompilerServices;
using Litestream.Ltx;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Storage;

/// <summary>
/// A replica in a folder of a local, mounted or shared disk: <c>&lt;folder&gt;/ltx/&lt;level&gt;/&lt;min&gt;-&lt;max&gt;.ltx</c>, as
/// Litestream lays it out; a file's modification time is the timestamp in its header.
/// <para>
/// A file is written as <c>&lt;name&gt;.&lt;pid&gt;.tmp</c> (which no reader takes for a replica file), given its time, flushed, renamed,
/// and its directory flushed. A crash before the rename leaves a temporary file, which the next writer removes; a crash
/// after it leaves the whole file, since its content was on the disk before its name was. Readers take no locks: they see
/// a file whole or not at all, and one that is replaced or deleted under them stays readable to its end.
/// </para>
/// </summary>
internal sealed partial class FolderReplicaStore : IReplicaStore
{
    public const string LtxFolderName = "ltx";

    private const int LargeBuffer = 64 * 1024;
    private const int FilesAtOnce = 4;

    private readonly string _folder;
    private readonly string _ltxFolder;

    // Once we had the right to write, the replica was there: if its ltx folder is missing now, it was unmounted or moved
    // away, and making an empty one in its place would hide that and write to the disk under the mount point.
    private volatile bool _acquired;

    /// <summary>Nothing is read or written yet.</summary>
    /// <param name="folder">Full path of the folder.</param>
    public FolderReplicaStore(string folder)
    {
        _folder = folder;
        _ltxFolder = Path.Combine(folder, LtxFolderName);
    }

    public string Location => _folder;

    public int Concurrency => FilesAtOnce;

    public async IAsyncEnumerable<ReplicaFile> ListAsync(int level, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string folder = LevelFolder(level);
        List<ReplicaFile> files = await Task.Run(
            () => Guard(() => List(level, folder, cancellationToken), $"listing '{folder}'", folder), cancellationToken)
            .ConfigureAwait(false);
        foreach (ReplicaFile file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return file;
        }
    }

    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (length is { } given)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(given, nameof(length));
        }

        string path = FilePath(level, name);
        return Task.Run(() => Guard<Stream>(() => OpenRead(path, offset, length), $"opening '{path}'", path), cancellationToken);
    }

    public Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        string path = FilePath(level, name);
        return Task.Run(() => PutAsync(path, timestamp, length, write, turn, cancellationToken), cancellationToken);
    }

    public async Task CopyAsync(
        int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken)
    {
        // A copy of the bytes and no link: a block that goes bad must not take both levels with it.
        Stream source = await OpenReadAsync(fromLevel, name, 0, null, cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            await PutInTurnAsync(
                toLevel, name, timestamp, null, (target, cancel) => source.CopyToAsync(target, cancel), Task.CompletedTask, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    public Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken)
    {
        string path = FilePath(level, name);
        return Task.Run(() => Guard(() => Delete(path), $"deleting '{path}'", path), cancellationToken);
    }

    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) =>
        Task.Run(() => Guard<IReplicaLease>(() => Acquire(owner), $"taking the right to write to '{_folder}'", file: null), cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private List<ReplicaFile> List(int level, string folder, CancellationToken cancellationToken)
    {
        List<ReplicaFile> files = [];
        try
        {
            foreach (FileInfo info in new DirectoryInfo(folder).EnumerateFiles())
            {
                cancellationToken.ThrowIfCancellationRequested();

                // Exists asks the disk once for all three: a file deleted since it was enumerated must not show as an empty one.
                if (LtxFileName.TryParse(info.Name, out LtxFileName name) && info.Exists)
                {
                    files.Add(new ReplicaFile(level, name, info.Length, WholeMilliseconds(info.LastWriteTimeUtc)));
                }
            }
        }
        catch (DirectoryNotFoundException) when (!File.Exists(folder) && !File.Exists(_ltxFolder) && !File.Exists(_folder))
        {
            RequireReplica();
            return [];
        }

        files.Sort(static (left, right) => left.Name.CompareTo(right.Name));
        return files;
    }

    private Stream OpenRead(string path, long offset, long? length)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                FileOptions.Asynchronous | FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            RequireReplica();
            throw new ReplicaFileNotFoundException(
                $"The replica has no file '{path}' (any more). Nothing was changed. List the replica again: a merge or the "
                + "retention may have replaced it by another.",
                e)
            {
                Replica = _folder,
                File = path,
            };
        }

        try
        {
            long available = Math.Max(0, RandomAccess.GetLength(handle) - offset);
            long range = Math.Min(available, length ?? available);
            FolderReadStream stream = new(handle, _folder, path, offset, offset + range);
            if (range > LargeBuffer)
            {
                return new BufferedStream(stream, LargeBuffer);
            }

            // At once: each asynchronous read of a file takes a thread of the pool, which costs more than all of a small one.
            using (stream)
            {
                byte[] held = GC.AllocateUninitializedArray<byte>((int)range);
                int read = stream.ReadAtLeast(held, held.Length, throwOnEndOfStream: false);
                return new MemoryStream(held, 0, read, writable: false);
            }
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private async Task PutAsync(
        string path,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        string doing = $"writing '{path}'";
        string temporary = DurableFile.TemporaryName(path);
        SafeFileHandle handle = Guard(() => CreateTemporary(path, temporary), doing, path);
        try
        {
            using (handle)
            {
                int bufferSize = (int)Math.Clamp(length ?? LargeBuffer, 1, LargeBuffer);
                FolderWriteStream stream = new(handle, _folder, path, bufferSize);
                await write(stream, cancellationToken).ConfigureAwait(false);
                if (length is { } promised && stream.Length != promised)
                {
                    throw new InvalidOperationException($"'{path}' was to be {promised} bytes long, but {stream.Length} were written.");
                }

                cancellationToken.ThrowIfCancellationRequested();
                stream.Flush();
                Guard(() => MakeDurable(handle, temporary, timestamp), doing, path);
            }

            await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            Guard(() => Publish(temporary, path), doing, path);
        }
        catch
        {
            DurableFile.TryDelete(temporary);
            throw;
        }
    }

    private SafeFileHandle CreateTemporary(string path, string temporary)
    {
        try
        {
            return File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None);
        }
        catch (DirectoryNotFoundException)
        {
            string folder = Path.GetDirectoryName(path)!;
            if (_acquired)
            {
                DurableFile.CreateDirectoryInExisting(folder);
            }
            else
            {
                DurableFile.CreateDirectory(folder);
            }

            return File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None);
        }
    }

    private static void MakeDurable(SafeFileHandle handle, string temporary, DateTimeOffset timestamp)
    {
        // Before the flush, which then makes the time durable together with the content.
        File.SetLastWriteTimeUtc(handle, WholeMilliseconds(timestamp.UtcDateTime).UtcDateTime);
        DurableFile.Flush(handle, temporary);
    }

    private static void Publish(string temporary, string path)
    {
        bool replaces = File.Exists(path);
        DurableFile.Rename(temporary, path);
        try
        {
            DurableFile.FlushDirectory(Path.GetDirectoryName(path)!);
        }
        catch when (!replaces)
        {
            // The name may not outlive a crash, so nobody may see it as stored. Where it has replaced a file it stays:
            // deleting it would lose both.
            DurableFile.TryDelete(path);
            throw;
        }
    }

    private void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            RequireReplica();
        }
    }

    private FolderWriter Acquire(ReplicaOwner owner)
    {
        if (File.Exists(_folder) || File.Exists(_ltxFolder))
        {
            throw FolderLocation.IsAFile(File.Exists(_folder) ? _folder : _ltxFolder);
        }

        ReplicaNesting.Refuse(_folder);
        RequireReplica();
        DurableFile.CreateDirectory(_folder);
        FolderLock held = FolderLock.TryAcquire(_folder, owner) ?? throw InUse(FolderLock.ReadOwner(_folder));
        try
        {
            DurableFile.CreateDirectory(_ltxFolder);
            RemoveLeftovers();
            _acquired = true;
            return new FolderWriter(held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private ReplicaInUseException InUse(ReplicaOwner? owner)
    {
        string who = owner is null
            ? "another process (who it is cannot be read yet)"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"process {owner.ProcessId} on {owner.Host}, for the database '{owner.Database}', since {owner.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        return new ReplicaInUseException(
            $"The replica '{_folder}' is being written by {who}. Nothing was changed. Stop that replication first, or give this "
            + "database a folder of its own.")
        {
            Replica = _folder,
            Database = owner?.Database,
        };
    }

    /// <summary>Removes temporary files of writers that ended in the middle of one. Only called while nobody else may write.</summary>
    private void RemoveLeftovers()
    {
        int nameLength = default(LtxFileName).ToString().Length;
        for (int level = 0; level <= LtxFileName.SnapshotLevel; level++)
        {
            string folder = LevelFolder(level);
            if (!Directory.Exists(folder))
            {
                continue;
            }

            foreach (string path in Directory.EnumerateFiles(folder, "*.tmp"))
            {
                string name = Path.GetFileName(path);
                if (name.Length > nameLength && LtxFileName.TryParse(name[..nameLength], out _))
                {
                    File.Delete(path);
                }
            }
        }
    }

    /// <summary>Throws if the replica that we hold has vanished, so that its absence is never taken for emptiness.</summary>
    private void RequireReplica()
    {
        if (_acquired && !Directory.Exists(_ltxFolder))
        {
            throw new DirectoryNotFoundException($"Could not find the directory '{_ltxFolder}'.");
        }
    }

    private T Guard<T>(Func<T> action, string doing, string? file)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw FolderFailure.Translate(e, doing, _folder, file);
        }
    }

    private void Guard(Action action, string doing, string? file)
    {
        try
        {
            action();
        }
        catch (Exception e) when (FolderFailure.IsFileError(e))
        {
            throw FolderFailure.Translate(e, doing, _folder, file);
        }
    }

    private string LevelFolder(int level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, LtxFileName.SnapshotLevel);
        return Path.Combine(_ltxFolder, level.ToString(CultureInfo.InvariantCulture));
    }

    private string FilePath(int level, LtxFileName name) => Path.Combine(LevelFolder(level), name.ToString());

    private static DateTimeOffset WholeMilliseconds(DateTime utc) =>
        new(utc.Ticks - (utc.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    private sealed class FolderWriter(FolderLock held) : IReplicaLease
    {
        private int _disposed;

        public CancellationToken Lost => CancellationToken.None;

        public ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                held.Dispose();
            }

            return ValueTask.CompletedTask;
        }
    }
}
