using System.Globalization;
using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// One uninterrupted life of a replication: the locks taken, the database open and pinned, the state proven, commits captured and
/// sent, until it is stopped or something tears it. What follows then is another session, which proves everything anew.
/// </summary>
/// <remarks>
/// Two locks keep a second replicator away: one on the local state folder (one replicator a database), one on the replica (one
/// writer a replica). Both go when the process ends, however it ends.
/// </remarks>
internal sealed class ReplicationSession : IAsyncDisposable
{
    private readonly ReplicationOptions _options;
    private readonly StatusBoard _board;
    private readonly TimeProvider _time;
    private readonly IReplicaStore _store;
    private readonly LocalStateFolder _folder;
    private readonly StagingArea _staging;
    private readonly Uploader _uploader;
    private readonly CancellationTokenSource _uploadEnd = new();
    private FolderLock? _databaseLock;
    private IReplicaLease? _replicaLock;
    private HeadRecordFile? _head;
    private PageChecksumTable? _table;
    private CaptureSession? _capture;
    private CaptureLoop? _loop;
    private Task _upload = Task.CompletedTask;
    private Task _maintenance = Task.CompletedTask;
    private ReplicaFile? _base;

    /// <summary>Prepares a session. Nothing is opened yet.</summary>
    /// <param name="options">What and where to; the database path is full.</param>
    /// <param name="store">The replica.</param>
    /// <param name="board">Where the state goes.</param>
    /// <param name="time">The clock.</param>
    public ReplicationSession(ReplicationOptions options, IReplicaStore store, StatusBoard board, TimeProvider time)
    {
        _options = options;
        _store = store;
        _board = board;
        _time = time;
        _folder = new LocalStateFolder(options.DatabasePath);
        _staging = new StagingArea(_folder);
        _uploader = new Uploader(store, _folder, _staging, board, options, time);
    }

    /// <summary>When the oldest captured file that is not in the replica was captured, and the bytes that wait.</summary>
    public (DateTimeOffset? Oldest, long Bytes) Waiting => (_staging.OldestWaiting, _staging.WaitingBytes);

    /// <summary>When the WAL was last looked at and nothing new was there (UTC).</summary>
    public DateTimeOffset? LastLook => _loop?.LastLook;

    /// <summary>Takes the locks, proves the state, sends a base image if one is needed, and begins to stream.</summary>
    /// <param name="cancellationToken">Gives up; what was done is kept for the next session.</param>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string path = _options.DatabasePath;
        SqliteLibrary.Load();
        SqliteLibrary.EnsureAloneInProcess(path);
        EnsureIsDatabase(path);
        _folder.Create();
        TakeDatabaseLock(path);
        _replicaLock = await _store.AcquireAsync(ReplicaOwner.Current(path, _time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        StartState start = await new StartProof(_store, _folder, _options.AdoptReplica, _options.Rebase).ProveAsync(_staging, cancellationToken).ConfigureAwait(false);
        _table = start.Table;
        _folder.Guard("opened", () => _head = new HeadRecordFile(_folder.HeadPath));
        LeapfrogPins pins = LeapfrogPins.Open(path, _options.BusyTimeout);
        bool switched = pins.SwitchedToWal;
        _board.Update(status => status with { SwitchedToWal = status.SwitchedToWal || switched });
        WarnOfOldWriter(pins.Pinned.LastWriterVersion);
        try
        {
            await OpenCaptureAsync(pins, start, cancellationToken).ConfigureAwait(false);
        }
        catch when (_capture is null)
        {
            pins.Dispose();
            throw;
        }

        _board.Update(status => status with { CapturedTxid = _capture!.Captured.Txid });
        _board.Enter(ReplicationState.Streaming);
        _loop = new CaptureLoop(_capture!, _staging, _uploader, _board, _options, _time);
        ulong replicaTxid = Math.Max(_base?.Name.MaxTxid ?? 0, start.Replica.HeadTxid);
        var catalogue = new ReplicaCatalogue([.. start.Replica.Files, .. _base is null ? [] : (ReplicaFile[])[_base]]);
        _upload = Task.Run(() => _uploader.RunAsync(replicaTxid, catalogue, _uploadEnd.Token), CancellationToken.None);
        _loop.Start();
        var maintenance = new MaintenanceLoop(_store, catalogue, _loop, _uploader, _table!.NodeId, _options, _board, _time);
        _maintenance = Task.Run(() => maintenance.RunAsync(_uploadEnd.Token), CancellationToken.None);
    }

    /// <summary>Completes, with the error if there is one, when capture or upload has ended.</summary>
    public async Task RunAsync() => await await Task.WhenAny(_loop!.Ended, _upload, _maintenance).ConfigureAwait(false);

    /// <summary>Returns when everything committed before the call is in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        ulong txid = await _loop!.CaptureNowAsync(cancellationToken).ConfigureAwait(false);
        Task reached = _uploader.WaitForAsync(txid, cancellationToken);
        Task first = await Task.WhenAny(reached, _loop.Ended, _upload).ConfigureAwait(false);
        await first.ConfigureAwait(false);
        await reached.ConfigureAwait(false);
    }

    /// <summary>Captures the rest, ends capture, and waits until the replica has it all.</summary>
    /// <param name="cancellationToken">Ends the waiting: what is staged goes up at the next start.</param>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        ulong txid = await _loop!.CaptureNowAsync(cancellationToken).ConfigureAwait(false);
        await _loop.StopAsync().ConfigureAwait(false);
        Task reached = _uploader.WaitForAsync(txid, cancellationToken);
        await (await Task.WhenAny(reached, _upload).ConfigureAwait(false)).ConfigureAwait(false);
        await _uploadEnd.CancelAsync().ConfigureAwait(false);
        _capture!.WriteHead();
        _capture.SaveTable();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _uploadEnd.CancelAsync().ConfigureAwait(false);
        if (_loop is not null)
        {
            await ((Task)_loop.StopAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _loop.Dispose();
        }

        await _upload.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _maintenance.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _capture?.Dispose();
        _head?.Dispose();
        _table?.Dispose();
        if (_replicaLock is not null)
        {
            await _replicaLock.DisposeAsync().ConfigureAwait(false);
        }

        _databaseLock?.Dispose();
        _staging.Dispose();
        _uploadEnd.Dispose();
    }

    private async Task OpenCaptureAsync(LeapfrogPins pins, StartState start, CancellationToken cancellationToken)
    {
        ulong? baseTxid = start.BaseTxid;
        if (baseTxid is null && pins.Position.PageSize != start.Table.PageSize)
        {
            if (start.Adopted && !_options.AdoptReplica)
            {
                throw start.Replica.Conflict(
                    _options.DatabasePath, "holds pages of another size than this database, and there is no record that the two belong together");
            }

            // Files of another page size cannot be merged with what is there: a new base image covers it all.
            baseTxid = Math.Max(start.Txid, start.Replica.HeadTxid) + 1;
        }

        if (baseTxid is { } txid)
        {
            DateTimeOffset pinnedAt = NewestTime(start, _time.GetUtcNow());
            CapturedState captured = await SendBaseAsync(pins, txid, pinnedAt, cancellationToken).ConfigureAwait(false);
            _capture = new CaptureSession(pins, _folder, _staging, _table!, _head!, captured, _board, _time) { LastTimestamp = pinnedAt };
            _capture.WriteHead();
            return;
        }

        bool proven = TryProvePosition(pins, start, out WalPosition position);
        var known = new CapturedState(start.Txid, start.FileChecksum, start.PageCount, position);
        bool foreign = !await start.Replica.HeadIsOfAsync(_table!.NodeId, cancellationToken).ConfigureAwait(false);
        _capture = new CaptureSession(pins, _folder, _staging, _table, _head!, known, _board, _time)
        {
            ContinuesForeign = foreign,
            LastTimestamp = NewestTime(start, _staging.NewestTimestamp),
        };
        if (!proven)
        {
            await Task.Run(() => ProveByPages(start), cancellationToken).ConfigureAwait(false);
        }
    }

    // The clock may have been set back since the replica's files were captured.
    private static DateTimeOffset NewestTime(StartState start, DateTimeOffset time) =>
        start.Replica.Files.Select(file => file.Timestamp).Append(time).Max();

    private async Task<CapturedState> SendBaseAsync(
        LeapfrogPins pins, ulong txid, DateTimeOffset pinnedAt, CancellationToken cancellationToken)
    {
        uint total = pins.Position.PageCount;
        ulong nodeId = _table!.NodeId;
        _table.Dispose();
        _table = null;
        using PinnedImage image = PinnedImage.Of(pins.Pinned);
        (CapturedState captured, long length) = await Task.Run(
            () => BaseImage.SendAsync(image, _store, _folder, txid, pinnedAt, nodeId, ReportBase, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        _table = PageChecksumTable.TryOpen(_folder.TablePath)
            ?? throw _folder.Failure("read", new IOException("The table just written cannot be read."));
        _base = new ReplicaFile(LtxFileName.SnapshotLevel, new LtxFileName(1, txid), length, pinnedAt);
        _board.Update(status => status with
        {
            BaseImages = status.BaseImages + 1,
            FilesUploaded = status.FilesUploaded + 1,
            BytesUploaded = status.BytesUploaded + length,
            Pages = status.Pages + captured.PageCount,
            CapturedTxid = txid,
            ReplicaTxid = txid,
        });
        return captured;

        void ReportBase(uint done) => _board.Enter(
            ReplicationState.Starting, string.Create(CultureInfo.InvariantCulture, $"base image {100.0 * done / total:0} %"));
    }

    private void ProveByPages(StartState start)
    {
        _board.Enter(ReplicationState.Starting, "comparing every page with what the replica holds");
        if (!start.Adopted)
        {
            _capture!.CaptureByScan();
            return;
        }

        if (!_options.AdoptReplica && !_capture!.EqualsTable())
        {
            throw start.Replica.Conflict(
                _options.DatabasePath, "is not empty, holds other pages than this database, and there is no record that the two belong together");
        }

        _folder.Guard("saved", () =>
        {
            DurableFile.Rename(_folder.AdoptionPath, _folder.TablePath);
            DurableFile.FlushDirectory(_folder.Path);
        });
        _capture!.CaptureByScan();
    }

    // The same generation, and the frame that was captured last still stands where it stood: what follows it is all that is new.
    private bool TryProvePosition(LeapfrogPins pins, StartState start, out WalPosition position)
    {
        WalPosition now = pins.Position;
        position = now;
        if (start.Adopted || !_head!.TryRead(start.Txid, out HeadRecord head) || head.FileChecksum != start.FileChecksum)
        {
            return false;
        }

        position = new WalPosition(
            head.Salt1, head.Salt2, head.MaxFrame, head.Checksum1, head.Checksum2, head.PageCount, head.PageSize, ChangeCounter: null);
        if (!position.HasGeneration || !position.SameGeneration(now) || position.PageSize != now.PageSize || position.MaxFrame > now.MaxFrame)
        {
            return false;
        }

        if (position.MaxFrame == 0)
        {
            return true;
        }

        using var wal = new WalFile(_options.DatabasePath);
        return wal.TryReadFrameHeader(position.EndOffset - position.FrameSize, out WalFrameHeader frame)
            && frame.IsGenerationOf(position)
            && frame.Checksum == new WalChecksum(position.Checksum1, position.Checksum2);
    }

    private void WarnOfOldWriter(uint version)
    {
        if (SqliteLibrary.HasWalResetBug(version))
        {
            _board.Update(status => status with
            {
                Warning = string.Create(
                    CultureInfo.InvariantCulture,
                    $"The application writes '{status.DatabasePath}' with SQLite {version / 1000000}.{version / 1000 % 1000}.{version % 1000}, whose checkpoints can corrupt a database (the WAL-reset bug, mended in 3.51.3). Replication checkpoints before the application does where it can; give the application a newer SQLite."),
            });
        }
    }

    private void TakeDatabaseLock(string path)
    {
        ReplicaOwner us = ReplicaOwner.Current(path, _time.GetUtcNow());
        _folder.Guard("locked", () => _databaseLock = FolderLock.TryAcquire(_folder.Path, us));
        if (_databaseLock is null)
        {
            throw new DatabaseInUseException(
                $"'{path}' is replicated already: {FolderLock.DescribeOwner(_folder.Path)} does it. Nothing was changed. Stop that one first.")
            { Database = path };
        }
    }

    private static void EnsureIsDatabase(string path)
    {
        if (Directory.Exists(path))
        {
            throw new NotADatabaseException($"'{path}' is a folder, not a database. Nothing was changed. Name the database file itself.")
            { Database = path };
        }

        if (!FileIdentity.TryGet(path, out FileIdentity file))
        {
            throw new DatabaseNotFoundException($"There is no database at '{path}'. Check the path.") { Database = path };
        }

        if (file.Size == 0)
        {
            throw new DatabaseNotFoundException($"'{path}' is empty: no table was ever made in it, so there is nothing to replicate yet.")
            { Database = path };
        }
    }
}
