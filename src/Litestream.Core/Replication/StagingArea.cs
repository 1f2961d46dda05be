using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Replication;

/// <summary>
/// The captured files between database and replicas. Capture adds to it, each destination takes from it at its own pace.
/// </summary>
/// <remarks>
/// A file is written under a temporary name and renamed, without a flush: as long as the frames stand in the WAL, a power cut
/// that takes the file loses nothing. Before a checkpoint may let frames go, <see cref="MakeDurable"/> flushes what is not yet in
/// every replica. A flush that failed is never repeated (the kernel may have dropped the pages and called them clean): such a
/// file counts as durable only once a replica has it. A file is deleted when every replica has it and the saved page checksum
/// table covers it, since until then it may be needed to bring the table up to date. The last one that a replica has is kept as long as
/// the table stands further on: by its checksum the next start proves that the replica ends with it.
/// Transaction ids are consecutive: file i of the list is that of the first one's transaction plus i.
/// </remarks>
internal sealed class StagingArea
{
    private const long MaxKeptBytes = 64L << 20;

    private readonly Lock _gate = new();
    private readonly List<(StagedFile File, long End)> _files = [];
    private readonly List<StagingCursor> _cursors = [];
    private readonly HashSet<ulong> _durable = [];
    private readonly HashSet<ulong> _doubtful = [];
    private readonly LocalStateFolder _folder;
    private readonly StagedFileWriter _writer;
    private readonly OpenTransaction _open;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _totalBytes;

    /// <summary>Prepares; the folder need not exist yet.</summary>
    /// <param name="folder">The local state.</param>
    public StagingArea(LocalStateFolder folder)
    {
        _folder = folder;
        _writer = new StagedFileWriter(folder);
        _open = new OpenTransaction(folder, _writer);
    }

    /// <summary>Whether captures wait to become one file.</summary>
    public bool HasOpen => !_open.IsEmpty;

    /// <summary>Whether those that wait should wait no longer.</summary>
    public bool IsOpenFull => _open.IsFull;

    /// <summary>Bytes that wait for the destination that is furthest behind.</summary>
    public long WaitingBytes
    {
        get
        {
            long most = 0;
            lock (_gate)
            {
                foreach (StagingCursor cursor in _cursors)
                {
                    most = cursor.Attached ? Math.Max(most, _totalBytes - cursor.TakenBytes) : most;
                }
            }

            return most;
        }
    }

    /// <summary>Files that wait for the destination that is furthest ahead.</summary>
    public int FewestWaiting
    {
        get
        {
            int fewest = int.MaxValue;
            lock (_gate)
            {
                foreach (StagingCursor cursor in _cursors)
                {
                    fewest = cursor.Attached ? Math.Min(fewest, _files.Count - IndexOf(cursor.Next)) : fewest;
                }
            }

            return fewest;
        }
    }

    /// <summary>Whether a destination has taken any of the files.</summary>
    public bool AnyUploaded { get; private set; }

    /// <summary>When the last file that was put in line was captured.</summary>
    public DateTimeOffset NewestTimestamp { get; private set; }

    /// <summary>Writes a captured file into the folder, without putting it in line.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="writePages">Writes the pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it; nothing is left of it.</exception>
    public StagedFile Write(in LtxHeader header, Action<LtxEncoder> writePages) =>
        _writer.Write(_folder.StagedPath(new LtxFileName(header.MinTxid, header.MaxTxid)), header, writePages);

    /// <summary>Writes a capture into the folder that will be one file with those that follow, see <see cref="OpenTransaction"/>.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="writePages">Writes the pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it; nothing is left of it.</exception>
    public StagedFile WriteOpen(in LtxHeader header, Action<LtxEncoder> writePages) => _open.Add(header, writePages);

    /// <summary>Makes one file of the captures that wait and puts it in line.</summary>
    /// <returns>The file; null if none waits.</returns>
    /// <exception cref="LocalStateException">The disk did not take it; they wait as before.</exception>
    public StagedFile? SealOpen()
    {
        StagedFile? file = _open.Seal();
        if (file is not null)
        {
            Enqueue(file);
        }

        return file;
    }

    /// <summary>Makes one of the captures that wait, and flushes it: a checkpoint may let their frames go after <see cref="MakeDurable"/>.</summary>
    /// <returns>What they are now; null if none waits.</returns>
    /// <exception cref="LocalStateException">The disk did not take it.</exception>
    public StagedFile? MakeOpenDurable()
    {
        if (_open.Fold() is not { } file)
        {
            return null;
        }

        RequireNoDoubt([file]);
        Flush(file, _open.FoldedPath);
        _open.NoteDurable();
        return file;
    }

    /// <summary>Puts a file in line. In order of transaction ids, without a hole.</summary>
    /// <param name="file">A file that stands whole in the folder.</param>
    public void Enqueue(StagedFile file)
    {
        lock (_gate)
        {
            _totalBytes += file.Length;
            _files.Add((file, _totalBytes));
            NewestTimestamp = file.Timestamp;
            Signal();
        }
    }

    /// <summary>A new destination's place in the line: before the first file that there is.</summary>
    /// <param name="next">The transaction that will be captured next, if there is no file.</param>
    public StagingCursor Attach(ulong next)
    {
        lock (_gate)
        {
            StagingCursor cursor = new()
            {
                Next = _files.Count > 0 ? _files[0].File.Txid : next,
                TakenBytes = _files.Count > 0 ? _files[0].End - _files[0].File.Length : _totalBytes,
                Attached = true,
            };
            _cursors.Add(cursor);
            return cursor;
        }
    }

    /// <summary>Puts a place behind everything captured, as after a full image of that state.</summary>
    /// <param name="cursor">The place.</param>
    /// <param name="next">The transaction that will be captured next.</param>
    public void MoveToEnd(StagingCursor cursor, ulong next)
    {
        lock (_gate)
        {
            (cursor.Next, cursor.TakenBytes, cursor.Attached) = (next, _totalBytes, true);
        }
    }

    /// <summary>Moves a place to a transaction that the destination needs next. False if files before or at it are held no more.</summary>
    /// <param name="cursor">The place.</param>
    /// <param name="next">The transaction.</param>
    public bool TryMove(StagingCursor cursor, ulong next)
    {
        lock (_gate)
        {
            int index = IndexOf(next);
            if (!cursor.Attached || next < cursor.Next || index > _files.Count || (_files.Count == 0 && next > cursor.Next))
            {
                return false;
            }

            (cursor.Next, cursor.TakenBytes) = (next, index == 0 ? cursor.TakenBytes : _files[index - 1].End);
            return true;
        }
    }

    /// <summary>What waits for a destination: when the oldest of it was captured, and its bytes.</summary>
    /// <param name="cursor">Its place.</param>
    public (DateTimeOffset? Oldest, long Bytes) Waiting(StagingCursor cursor)
    {
        lock (_gate)
        {
            int index = IndexOf(cursor.Next);
            return index < _files.Count
                ? (_files[Math.Max(index, 0)].File.Timestamp, _totalBytes - cursor.TakenBytes + _open.Bytes)
                : (_open.Since, _open.Bytes);
        }
    }

    /// <summary>Whether a destination has taken every file in line.</summary>
    /// <param name="cursor">Its place.</param>
    public bool HasTakenAll(StagingCursor cursor)
    {
        lock (_gate)
        {
            return IndexOf(cursor.Next) >= _files.Count;
        }
    }

    /// <summary>The checksum of a file that is here, which proves that a replica's file of that transaction is the same one.</summary>
    /// <param name="txid">The transaction id.</param>
    public ulong? FileChecksum(ulong txid)
    {
        lock (_gate)
        {
            int index = IndexOf(txid);
            return index >= 0 && index < _files.Count ? _files[index].File.FileChecksum : null;
        }
    }

    /// <summary>The next file in line, when there is one. It stays there until <see cref="MarkUploaded"/>.</summary>
    /// <param name="cursor">For which destination.</param>
    /// <param name="behind">The file that is on its way there already; null for the first that it has not.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The file; null if the files are held for that destination no more.</returns>
    public async Task<StagedFile?> NextAsync(StagingCursor cursor, StagedFile? behind, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (!cursor.Attached)
                {
                    return null;
                }

                if (IndexOf(behind?.Txid + 1 ?? cursor.Next) is var index && index < _files.Count)
                {
                    return _files[index].File;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A replica has the file whose turn it was, durably.</summary>
    /// <param name="cursor">Whose.</param>
    public void MarkUploaded(StagingCursor cursor)
    {
        lock (_gate)
        {
            AnyUploaded = true;
            if (cursor.Attached)
            {
                cursor.TakenBytes = _files[IndexOf(cursor.Next)].End;
                _doubtful.Remove(cursor.Next);
                cursor.Next++;
                ulong needed = FirstNeeded();
                _durable.RemoveWhere(txid => txid < needed);
            }
        }
    }

    /// <summary>
    /// Lets go of the destination that is furthest behind, if another has taken most of what it has not: full staging must not stop those
    /// that keep up.
    /// </summary>
    public void LetGoOfLaggard()
    {
        lock (_gate)
        {
            StagingCursor[] attached = [.. _cursors.Where(cursor => cursor.Attached).OrderBy(cursor => cursor.TakenBytes)];
            if (attached.Length > 1 && (_totalBytes - attached[1].TakenBytes) * 2 < _totalBytes - attached[0].TakenBytes)
            {
                attached[0].Attached = false;
                Signal();
            }
        }
    }

    /// <summary>Flushes every file that is not in every replica yet. A checkpoint may let its frames go after this, and not before.</summary>
    /// <exception cref="LocalStateException">The disk did not take one of them.</exception>
    public void MakeDurable()
    {
        StagedFile[] files;
        lock (_gate)
        {
            ulong needed = FirstNeeded();
            files = [.. _files.Select(held => held.File).Where(file => file.Txid >= needed && !_durable.Contains(file.Txid))];
            if (files.Length == 0)
            {
                return;
            }

            RequireNoDoubt(files);
        }

        foreach (StagedFile file in files)
        {
            Flush(file, _folder.StagedPath(file.Name));
        }

        _folder.Guard("flushed", () => DurableFile.FlushDirectory(_folder.StagingPath));
        lock (_gate)
        {
            ulong needed = FirstNeeded();
            _durable.UnionWith(files.Select(file => file.Txid).Where(txid => txid >= needed));
        }
    }

    /// <summary>Whether a file is held that every replica has, the saved table covers, and that is old enough to go.</summary>
    /// <param name="savedTxid">What the saved table stands for.</param>
    /// <param name="before">Captured at or before this.</param>
    public bool HasExpired(ulong savedTxid, DateTimeOffset before)
    {
        lock (_gate)
        {
            return _files.Count > 0 && _files[0].File.Timestamp <= before && IsCovered(_files[0].File, savedTxid, FirstNeeded());
        }
    }

    /// <summary>Deletes files that every replica has and the saved table covers. Younger ones are kept for merges to read, as many as there is room for.</summary>
    /// <param name="savedTxid">What the saved table stands for.</param>
    /// <param name="before">Captured at or before this.</param>
    public void DeleteCovered(ulong savedTxid, DateTimeOffset before)
    {
        List<StagedFile> deleted = [];
        lock (_gate)
        {
            ulong needed = FirstNeeded();
            long held = _files.Count == 0 ? 0 : _totalBytes - _files[0].End + _files[0].File.Length;
            foreach ((StagedFile file, _) in _files)
            {
                if (!IsCovered(file, savedTxid, needed) || (file.Timestamp > before && held <= MaxKeptBytes))
                {
                    break;
                }

                held -= file.Length;
                deleted.Add(file);
            }

            _files.RemoveRange(0, deleted.Count);
        }

        foreach (StagedFile file in deleted)
        {
            _folder.Guard("cleaned", () => File.Delete(_folder.StagedPath(file.Name)));
        }
    }

    private static bool IsCovered(StagedFile file, ulong savedTxid, ulong needed) =>
        file.Txid <= savedTxid && file.Txid < needed && (file.Txid + 1 < needed || file.Txid == savedTxid);

    private ulong FirstNeeded() => _cursors.Where(cursor => cursor.Attached).Select(cursor => cursor.Next).DefaultIfEmpty(ulong.MaxValue).Min();

    private int IndexOf(ulong txid) => _files.Count == 0 ? 0 : (int)((long)txid - (long)_files[0].File.Txid);

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void RequireNoDoubt(StagedFile[] files)
    {
        lock (_gate)
        {
            if (Array.Find(files, file => _doubtful.Contains(file.Txid)) is { } doubtful)
            {
                throw _folder.Failure("flushed", new IOException($"An earlier flush of '{doubtful.Name}' failed; it must reach the replica first."));
            }
        }
    }

    private void Flush(StagedFile file, string path)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            DurableFile.Flush(handle, path);
        }
        catch (FileNotFoundException)
        {
            // Uploaded and deleted between the look and the flush: the replicas have it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (_gate)
            {
                _doubtful.Add(file.Txid);
            }

            throw _folder.Failure("flushed", e);
        }
    }
}
