using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.State;

/// <summary>
/// Makes the local state of a database that was just restored, so that replication after it sends only what changes from here on.
/// It draws a node id of its own: the restored database is another writer than the one that is lost, and is refused by a
/// replica that has moved on since.
/// </summary>
public sealed class LocalStateSeed : IDisposable
{
    private readonly LocalStateFolder _folder;
    private readonly PageChecksumTable _table;
    private readonly PageChecksumRun _run;

    /// <summary>Begins it, beside the place where the database will be.</summary>
    /// <param name="databasePath">Full path of the database to be.</param>
    /// <param name="pageSize">Page size in bytes.</param>
    /// <exception cref="LocalStateException">The folder cannot be made.</exception>
    public LocalStateSeed(string databasePath, int pageSize)
    {
        _folder = new LocalStateFolder(databasePath);
        _folder.Create();
        PageChecksumTable? table = null;
        _folder.Guard("cleaned", RemoveLeftovers);
        _folder.Guard("written", () => table = PageChecksumTable.Create(_folder.TablePath, pageSize, PageChecksumTable.NewNodeId()));
        _table = table!;
        _run = new PageChecksumRun(_table);
    }

    /// <summary>Notes a page of the result; cheapest in ascending order. Each page once.</summary>
    /// <param name="pageNumber">The page number.</param>
    /// <param name="checksum">Its checksum, see <see cref="PageChecksum"/>.</param>
    /// <exception cref="LocalStateException">The disk did not take it.</exception>
    public void Note(uint pageNumber, ulong checksum)
    {
        try
        {
            _run.Add(pageNumber, checksum);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw _folder.Failure("written", e);
        }
    }

    /// <summary>
    /// Puts the state in place, instead of any older one. Called before the database gets its name: a state that says too much
    /// is harmless, because a start compares the database with it whenever the WAL does not prove continuity.
    /// </summary>
    /// <param name="txid">The transaction id of the result.</param>
    /// <param name="fileChecksum">File checksum of the last file of the plan.</param>
    /// <param name="pageCount">Size of the result in pages.</param>
    /// <exception cref="LocalStateException">The disk did not take it.</exception>
    public void Publish(ulong txid, ulong fileChecksum, uint pageCount) => _folder.Guard("written", () =>
    {
        foreach (LtxFileName staged in _folder.ListStaged())
        {
            File.Delete(_folder.StagedPath(staged));
        }

        _folder.DeleteParts(name: null);
        File.Delete(_folder.HeadPath);
        DurableFile.FlushDirectory(_folder.StagingPath);
        _run.Flush();
        _table.Publish(_folder.TablePath, txid, fileChecksum, pageCount);
    });

    /// <summary>Gives it up, if it was not put in place.</summary>
    public void Dispose()
    {
        _table.Dispose();
        DurableFile.TryDelete(DurableFile.TemporaryName(_folder.TablePath));
    }

    // A table that is being made is locked: one that is not belongs to a restore that was killed.
    private void RemoveLeftovers()
    {
        foreach (string path in DurableFile.TemporariesOf(_folder.TablePath))
        {
            try
            {
                File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            }
            catch (IOException)
            {
                continue;
            }

            File.Delete(path);
        }
    }
}
