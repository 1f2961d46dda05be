using System.Globalization;
using Litestream.Ltx;
using Litestream.Restoration;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Brings the local state and the replica together at a start: what the replica holds, what waits locally, what the page checksum
/// table says, and whether all that is one lineage.
/// </summary>
/// <remarks>
/// The table stands for transaction T. Captured files behind it, staged or already in the replica, are replayed into it
/// one by one, each verified whole, up to N. Where retention has deleted a captured file, the merged one that covers it does: it
/// holds each page as it is at its end. Then exactly one of these holds:
/// the replica is empty (a new base image follows, numbered behind N); or it ends at M, at most N, in our lineage, and the staged
/// files M + 1 to N are sent again; or it lacks files that are nowhere any more (a new base image); or it is not ours
/// to continue, which is an error. A staged file that a power cut damaged is taken from the replica, or else the chain ends
/// before it: its frames had not been let go of (they are flushed before a checkpoint), and reading every page finds what it held.
/// <para>
/// Where staged files and the replica's meet, the file at that transaction must have the same checksum in both. It has not if this
/// replica was away while a power cut took staged files that only it had received, and capture went on from before them: both sides are
/// of our node id then, with other pages under the same transaction ids. A new base image covers that.
/// </para>
/// </remarks>
/// <param name="store">The replica to prove against: of several, the one that reaches furthest.</param>
/// <param name="replica">What it holds.</param>
/// <param name="folder">The local state.</param>
/// <param name="neededAfter">Staged files behind this transaction may be needed by other destinations.</param>
/// <param name="adopt">Whether pages may prove what no record does.</param>
/// <param name="rebase">Where to begin anew in any case; else null.</param>
internal sealed class StartProof(
    IReplicaStore store, ReplicaLineage replica, LocalStateFolder folder, ulong neededAfter, bool adopt, RebaseBasis? rebase)
{
    private readonly Dictionary<ulong, StagedFile> _staged = [];
    private readonly ReplicaLineage _replica = replica;
    private PageChecksumTable? _table;
    private ulong _txid;
    private ulong _fileChecksum;
    private uint _pageCount;
    private bool _fromReplica;
    private bool _broken;

    /// <summary>Makes the proof.</summary>
    /// <param name="staging">Takes the files that are to be sent again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaConflictException">The replica is another lineage's, or ahead of us.</exception>
    public async Task<StartState> ProveAsync(StagingArea staging, CancellationToken cancellationToken)
    {
        folder.Create();
        folder.DeleteTemporaries();
        OpenTransaction.Recover(folder);
        try
        {
            _table = PageChecksumTable.TryOpen(folder.TablePath);
            if (_table is null)
            {
                Publish(PageChecksumTable.NewNodeId());
            }

            return await ContinueAsync(staging, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _table?.Dispose();
            throw;
        }
    }

    private async Task<StartState> ContinueAsync(StagingArea staging, CancellationToken cancellationToken)
    {
        ulong nodeId = _table!.NodeId;
        if (_replica.HeadTxid == 0)
        {
            await ReplayAsync(cancellationToken).ConfigureAwait(false);
            return Base(_txid + 1);
        }

        if (rebase is not null)
        {
            return await RebaseAsync(rebase, nodeId, cancellationToken).ConfigureAwait(false);
        }

        bool ours = await IsOursAsync(nodeId, cancellationToken).ConfigureAwait(false);
        if (!ours)
        {
            return await AdoptAsync(nodeId, cancellationToken).ConfigureAwait(false);
        }

        if (_replica.NewestImageAfter(_table.Txid) is { } image && await _replica.IsOfAsync(image, nodeId, cancellationToken).ConfigureAwait(false))
        {
            await RebuildAsync([image], folder.TablePath, nodeId, cancellationToken).ConfigureAwait(false);
            _fromReplica = true;
        }

        if (!await ReplayAsync(cancellationToken).ConfigureAwait(false))
        {
            return Base(Math.Max(_txid, _replica.HeadTxid) + 1);
        }

        if (_txid < _replica.HeadTxid)
        {
            throw _replica.Conflict(folder.DatabasePath, string.Create(
                CultureInfo.InvariantCulture,
                $"is ahead of this database, which knows it up to transaction {_txid}: another replicator has continued it"));
        }

        return TryQueue(staging) ? Continue(adopted: false) : Base(_txid + 1);
    }

    // The replica's end may be what is damaged, so any file of ours shows that it is this database's.
    private async Task<StartState> RebaseAsync(RebaseBasis basis, ulong nodeId, CancellationToken cancellationToken)
    {
        if (!adopt && !await _replica.HasFileOfAsync(nodeId, cancellationToken).ConfigureAwait(false))
        {
            throw _replica.Conflict(folder.DatabasePath, "holds nothing that shows that it is this database's");
        }

        ulong staged = folder.ListStaged().Select(name => name.MaxTxid).DefaultIfEmpty().Max();
        ulong txid = Math.Max(Math.Max(_table!.Txid, staged), _replica.HeadTxid) + 1;
        if (basis.Chain.Count == 0 || !basis.StillHolds(_replica.Files))
        {
            return Base(txid);
        }

        // Under a name that a next start removes: the table in force stays until the difference is in the replica.
        await RebuildAsync(basis.Chain, folder.AdoptionPath, PageChecksumTable.NewNodeId(), cancellationToken).ConfigureAwait(false);
        TakeTable();
        return Base(txid) with { Txid = _txid, PageCount = _pageCount };
    }

    // No record here, or a record that has no part in this replica: only the pages themselves can tell.
    private async Task<StartState> AdoptAsync(ulong nodeId, CancellationToken cancellationToken)
    {
        if (_table!.Txid > 0 && !adopt)
        {
            throw _replica.Conflict(folder.DatabasePath, "was written by another lineage than this database's");
        }

        // Under a name that a next start removes, until the pages have been compared.
        RestorePlan plan = RestorePlanner.Plan(store.Location, _replica.Files, target: null);
        await RebuildAsync(plan.Files, folder.AdoptionPath, nodeId, cancellationToken).ConfigureAwait(false);
        TakeTable();
        DeleteStaged(_ => true);
        return Continue(adopted: true);
    }

    private async Task<bool> IsOursAsync(ulong nodeId, CancellationToken cancellationToken)
    {
        bool? known = _table!.Txid == 0 || _table.Txid > _replica.HeadTxid
            ? null
            : await _replica.EndsWithAsync(_table.Txid, _table.FileChecksum, cancellationToken).ConfigureAwait(false);
        return known ?? await _replica.HeadIsOfAsync(nodeId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings the table forward. False if staged files and the replica's are not of one chain.</summary>
    private async Task<bool> ReplayAsync(CancellationToken cancellationToken)
    {
        TakeTable();
        ulong covered = _txid;
        DeleteStaged(name => name.MaxTxid < Math.Min(covered, Math.Min(_replica.HeadTxid, neededAfter)));
        foreach (LtxFileName name in folder.ListStaged().Where(name => name.MaxTxid <= covered))
        {
            await TryTakeStagedAsync(name, cancellationToken).ConfigureAwait(false);
        }

        bool oneChain = !_staged.TryGetValue(_replica.HeadTxid, out StagedFile? last)
            || await _replica.EndsWithAsync(last.Txid, last.FileChecksum, cancellationToken).ConfigureAwait(false) == true;
        while (_txid > 0 && oneChain && await TryStepAsync(_txid + 1, cancellationToken).ConfigureAwait(false))
        {
            oneChain = _fromReplica || _txid != _replica.HeadTxid || await IsInReplicaAsync(cancellationToken).ConfigureAwait(false);
        }

        DeleteStaged(name => !_staged.ContainsKey(name.MaxTxid));
        return oneChain && !_broken;
    }

    // Whether the replica's file that ends where the table stands is the one that the table knows.
    private async Task<bool> IsInReplicaAsync(CancellationToken cancellationToken) =>
        await _replica.EndsWithAsync(_txid, _fileChecksum, cancellationToken).ConfigureAwait(false) == true;

    private void DeleteStaged(Func<LtxFileName, bool> which)
    {
        foreach (LtxFileName name in folder.ListStaged().Where(which))
        {
            folder.Guard("cleaned", () => File.Delete(folder.StagedPath(name)));
        }
    }

    private async Task<bool> TryStepAsync(ulong txid, CancellationToken cancellationToken)
    {
        if (await TryTakeStagedAsync(new LtxFileName(txid, txid), cancellationToken).ConfigureAwait(false) is { } staged)
        {
            Advance(staged);
            _fromReplica = false;
            return true;
        }

        if ((_replica.Captured(txid) ?? _replica.Merged(txid)) is not { } file
            || !await _replica.IsOfAsync(file, _table!.NodeId, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        if (!_fromReplica && !await IsInReplicaAsync(cancellationToken).ConfigureAwait(false))
        {
            _broken = true;
            return false;
        }

        _fromReplica = true;

        Stream stream = await store.OpenReadAsync(file.Level, file.Name, 0, null, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            Advance(await TableReplay.ReadAsync(stream, file.Name.ToString(), cancellationToken).ConfigureAwait(false));
            return true;
        }
    }

    // A staged file counts only if it is whole: each is read and its checksum met.
    private async Task<ReplayedFile?> TryTakeStagedAsync(LtxFileName name, CancellationToken cancellationToken)
    {
        string path = folder.StagedPath(name);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            await using (stream.ConfigureAwait(false))
            {
                long length = stream.Length;
                ReplayedFile read = await TableReplay.ReadAsync(stream, path, cancellationToken).ConfigureAwait(false);
                _staged[name.MaxTxid] = new StagedFile(name, length, read.Header.Time, read.FileChecksum);
                return read;
            }
        }
        catch (LtxFormatException)
        {
            return null; // a power cut took part of it; the replica has it, or the pages will be compared
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw folder.Failure("read", e);
        }
    }

    // What the replica lacks must wait here without a hole. What it has already, and the saved table does not cover or another
    // destination may need, is kept.
    private bool TryQueue(StagingArea staging)
    {
        ulong first = _txid + 1;
        while (_staged.ContainsKey(first - 1))
        {
            first--;
        }

        if (first > _replica.HeadTxid + 1)
        {
            return false;
        }

        DeleteStaged(name => name.MaxTxid < first);
        for (ulong txid = first; txid <= _txid; txid++)
        {
            staging.Enqueue(_staged[txid]);
        }

        return true;
    }

    private StartState Continue(bool adopted) => new(_table!, BaseTxid: null, _txid, _fileChecksum, _pageCount, _replica, adopted);

    private StartState Base(ulong txid)
    {
        DeleteStaged(_ => true);
        return new StartState(_table!, txid, 0, 0, 0, _replica, Adopted: false);
    }

    private void Publish(ulong nodeId)
    {
        // Node id first, durably: should a kill come between a base image and its table, its header still says that it is ours.
        folder.Guard("written", () =>
        {
            using PageChecksumTable table = PageChecksumTable.Create(folder.TablePath, LtxHeader.MinPageSize, nodeId);
            table.Publish(folder.TablePath, txid: 0, fileChecksum: 0, pageCount: 0);
        });
        _table = Open(folder.TablePath);
    }

    private async Task RebuildAsync(IReadOnlyList<ReplicaFile> chain, string path, ulong nodeId, CancellationToken cancellationToken)
    {
        // First, since Windows replaces no file that is open.
        _table!.Dispose();
        try
        {
            await TableReplay.RebuildAsync(store, chain, path, nodeId, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw folder.Failure("written", e);
        }

        _table = Open(path);
    }

    private PageChecksumTable Open(string path) =>
        PageChecksumTable.TryOpen(path) ?? throw folder.Failure("read", new IOException("The table just written cannot be read."));

    private void TakeTable() => (_txid, _fileChecksum, _pageCount) = (_table!.Txid, _table.FileChecksum, _table.PageCount);

    private void Advance(ReplayedFile read)
    {
        read.ApplyTo(_table!);
        (_txid, _fileChecksum, _pageCount) = (read.Header.MaxTxid, read.FileChecksum, read.Header.Commit);
    }
}
