using Litestream.Ltx;
using Litestream.State;
using Litestream.Storage;
using Microsoft.Win32.SafeHandles;

namespace Litestream.Replication;

/// <summary>
/// The captured files between database and replica. Capture adds to it, the upload takes from it, each at its own pace.
/// </summary>
/// <remarks>
/// A file is written under a temporary name and renamed, without a flush: as long as the frames stand in the WAL, a power cut
/// that takes the file loses nothing. Before a checkpoint may let frames go, <see cref="MakeDurable"/> flushes what is not yet in
/// the replica. A flush that failed is never repeated (the kernel may have dropped the pages and called them clean): such a
/// file counts as durable only once the replica has it. A file is deleted when the replica has it and the saved page checksum
/// table covers it, since until then it may be needed to bring the table up to date.
/// </remarks>
internal sealed class StagingArea(LocalStateFolder folder) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<StagedFile> _waiting = new();
    private readonly Queue<StagedFile> _kept = new();
    private readonly HashSet<ulong> _durable = [];
    private readonly HashSet<ulong> _doubtful = [];
    private readonly StagingFileOutput _output = new();
    private readonly SemaphoreSlim _arrived = new(0);

    /// <summary>Bytes that wait for the replica.</summary>
    public long WaitingBytes { get; private set; }

    /// <summary>Whether the replica has taken any of the files.</summary>
    public bool AnyUploaded { get; private set; }

    /// <summary>Files that wait for the replica.</summary>
    public int WaitingCount
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>When the oldest file that waits was captured; null if none waits.</summary>
    public DateTimeOffset? OldestWaiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.TryPeek(out StagedFile? file) ? file.Timestamp : null;
            }
        }
    }

    /// <summary>Writes a captured file into the folder, without putting it in line.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="writePages">Writes the pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it; nothing is left of it.</exception>
    public StagedFile Write(in LtxHeader header, Action<LtxEncoder> writePages)
    {
        var name = new LtxFileName(header.MinTxid, header.MaxTxid);
        string path = folder.StagedPath(name);
        string temporary = DurableFile.TemporaryName(path);
        try
        {
            StagedFile file;
            using (SafeFileHandle handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                _output.Begin(handle);
                var encoder = new LtxEncoder(_output, header);
                writePages(encoder);
                LtxTrailer trailer = encoder.Finish();
                _output.End();
                file = new StagedFile(name, encoder.Length, header.Time, trailer.FileChecksum);
            }

            DurableFile.Rename(temporary, path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DurableFile.TryDelete(temporary);
            throw folder.Failure("written", e);
        }
        catch
        {
            DurableFile.TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Puts a file in line for the replica. In order of transaction ids.</summary>
    /// <param name="file">A file that stands whole in the folder.</param>
    public void Enqueue(StagedFile file)
    {
        lock (_gate)
        {
            _waiting.Enqueue(file);
            WaitingBytes += file.Length;
        }

        _arrived.Release();
    }

    /// <summary>The file whose turn it is, when there is one. It stays in line until <see cref="MarkUploaded"/>.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task<StagedFile> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_waiting.TryPeek(out StagedFile? file))
                {
                    return file;
                }
            }

            await _arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The replica has the file whose turn it was, durably.</summary>
    public void MarkUploaded()
    {
        lock (_gate)
        {
            StagedFile file = _waiting.Dequeue();
            AnyUploaded = true;
            WaitingBytes -= file.Length;
            _durable.Remove(file.Txid);
            _doubtful.Remove(file.Txid);
            _kept.Enqueue(file);
        }
    }

    /// <summary>Flushes every file that is not in the replica yet. A checkpoint may let its frames go after this, and not before.</summary>
    /// <exception cref="LocalStateException">The disk did not take one of them.</exception>
    public void MakeDurable()
    {
        StagedFile[] files;
        lock (_gate)
        {
            files = [.. _waiting.Where(file => !_durable.Contains(file.Txid))];
            if (files.Length == 0)
            {
                return;
            }

            if (files.FirstOrDefault(file => _doubtful.Contains(file.Txid)) is { } doubtful)
            {
                throw folder.Failure("flushed", new IOException($"An earlier flush of '{doubtful.Name}' failed; it must reach the replica first."));
            }
        }

        foreach (StagedFile file in files)
        {
            Flush(file);
        }

        folder.Guard("flushed", () => DurableFile.FlushDirectory(folder.StagingPath));
        lock (_gate)
        {
            foreach (StagedFile file in files.Where(file => _waiting.Contains(file)))
            {
                _durable.Add(file.Txid);
            }
        }
    }

    /// <summary>Deletes files that the replica has and the saved table covers.</summary>
    /// <param name="savedTxid">What the saved table stands for.</param>
    public void DeleteCovered(ulong savedTxid)
    {
        while (true)
        {
            StagedFile? file;
            lock (_gate)
            {
                if (!_kept.TryPeek(out file) || file.Txid > savedTxid)
                {
                    return;
                }

                _kept.Dequeue();
            }

            folder.Guard("cleaned", () => File.Delete(folder.StagedPath(file.Name)));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _arrived.Dispose();

    private void Flush(StagedFile file)
    {
        string path = folder.StagedPath(file.Name);
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            DurableFile.Flush(handle, path);
        }
        catch (FileNotFoundException)
        {
            // Uploaded and deleted between the look and the flush: the replica has it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (_gate)
            {
                _doubtful.Add(file.Txid);
            }

            throw folder.Failure("flushed", e);
        }
    }
}
