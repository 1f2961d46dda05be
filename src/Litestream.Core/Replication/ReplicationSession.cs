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
/// One capture, one line of staged files and one sequence of transaction ids serve all destinations. The local state is proven against the
/// replica that reaches furthest; the others join behind it (<see cref="DestinationLoop"/>), and one that is away joins when it is back.
/// Two locks keep a second replicator away: one on the local state folder (one replicator a database), one on the replica (one
/// writer a replica). Both go when the process ends, however it ends.
/// </remarks>
internal sealed class ReplicationSession : IAsyncDisposable
{
    /// <summary>How long the start waits for the other destinations once one is connected.</summary>
    private static readonly TimeSpan ConnectWait = TimeSpan.FromSeconds(10);

    private readonly ReplicationOptions _options;
    private readonly StatusBoard _board;
    private readonly TimeProvider _time;
    private readonly LocalStateFolder _folder;
    private readonly StagingArea _staging;
    private readonly Destination[] _destinations;
    private readonly bool _first;
    private readonly CancellationTokenSource _end = new();
    private FolderLock? _databaseLock;
    private HeadRecordFile? _head;
    private PageChecksumTable? _table;
    private CaptureSession? _capture;
    private CaptureLoop? _loop;
    private DestinationLoop[] _loops = [];
    private Task[] _running = [];

    /// <summary>Prepares a session. Nothing is opened yet.</summary>
    /// <param name="options">What and where to; the database path is full.</param>
    /// <param name="stores">The replicas, in the order of the options.</param>
    /// <param name="board">Where the state goes.</param>
    /// <param name="first">Whether nothing has streamed before: what a person must mend is an error then.</param>
    /// <param name="time">The clock.</param>
    public ReplicationSession(ReplicationOptions options, IReadOnlyList<IReplicaStore> stores, StatusBoard board, bool first, TimeProvider time)
    {
        _options = options;
        _board = board;
        _first = first;
        _time = time;
        _folder = new LocalStateFolder(options.DatabasePath);
        _staging = new StagingArea(_folder);
        _destinations =
        [
            .. stores.Zip(board.Destinations).Select((pair, i) => new Destination(
                pair.First, pair.Second, new Uploader(pair.First, _folder, _staging, pair.Second, options, time), options.MaintenanceOf(i))),
        ];
    }

    /// <summary>When the WAL was last looked at and nothing new was there (UTC).</summary>
    public DateTimeOffset? LastLook => _loop?.LastLook;

    /// <summary>When the oldest captured file that is not in a replica was captured, and the bytes that wait for that replica.</summary>
    /// <param name="destination">Which, in the order of the options.</param>
    public (DateTimeOffset? Oldest, long Bytes) Waiting(int destination) => _staging.Waiting(_destinations[destination].Cursor);

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
        ReplicaOwner owner = ReplicaOwner.Current(path, _time.GetUtcNow());
        await ConnectAsync(owner, cancellationToken).ConfigureAwait(false);
        (Destination lead, StartState start) = await ProveAsync(cancellationToken).ConfigureAwait(false);
        _table = start.Table;
        _folder.Guard("opened", () => _head = new HeadRecordFile(_folder.HeadPath));
        LeapfrogPins pins = LeapfrogPins.Open(path, _options.BusyTimeout);
        bool switched = pins.SwitchedToWal;
        _board.Update(status => status with { SwitchedToWal = status.SwitchedToWal || switched });
        WarnOfOldWriter(pins.Pinned.LastWriterVersion);
        try
        {
            await OpenCaptureAsync(lead, pins, start, cancellationToken).ConfigureAwait(false);
        }
        catch when (_capture is null)
        {
            pins.Dispose();
            throw;
        }

        _board.Update(status => status with { CapturedTxid = _capture!.Captured.Txid });
        await BeginStreamingAsync(lead, owner, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes, with the error if there is one, when capture or the work for a destination has ended.</summary>
    public async Task RunAsync() => await await Task.WhenAny([_loop!.Ended, .. _running]).ConfigureAwait(false);

    /// <summary>Returns when everything committed before the call is in every replica.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        ulong txid = await _loop!.CaptureNowAsync(cancellationToken).ConfigureAwait(false);
        await WaitForAsync(txid, [_loop.Ended, .. _running], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Captures the rest, ends capture, and waits until every replica has it all.</summary>
    /// <param name="cancellationToken">Ends the waiting: what is staged goes up at the next start.</param>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        // A destination that still needs a full image needs capture for it.
        Task joined = Task.WhenAll(_loops.Select(loop => loop.Joined)).WaitAsync(cancellationToken);
        await (await Task.WhenAny([joined, _loop!.Ended, .. _running]).ConfigureAwait(false)).ConfigureAwait(false);
        ulong txid = await _loop.CaptureNowAsync(cancellationToken).ConfigureAwait(false);
        await _loop.StopAsync().ConfigureAwait(false);
        await WaitForAsync(txid, _running, cancellationToken).ConfigureAwait(false);
        await _end.CancelAsync().ConfigureAwait(false);
        _capture!.WriteHead();
        _capture.SaveTable(last: true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        if (_loop is not null)
        {
            await ((Task)_loop.StopAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _loop.Dispose();
        }

        await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _capture?.Dispose();
        _head?.Dispose();
        _table?.Dispose();
        await Task.WhenAll(_destinations.Select(place => place.DisconnectAsync())).ConfigureAwait(false);
        _databaseLock?.Dispose();
        _end.Dispose();
    }

    private async Task WaitForAsync(ulong txid, Task[] ends, CancellationToken cancellationToken)
    {
        Task reached = Task.WhenAll(_destinations.Select(place => place.Uploader.WaitForAsync(txid, cancellationToken)));
        await (await Task.WhenAny([reached, .. ends]).ConfigureAwait(false)).ConfigureAwait(false);
        await reached.ConfigureAwait(false);
    }

    /// <summary>Connects to all, and returns when one is connected at least and the others had their time.</summary>
    private async Task ConnectAsync(ReplicaOwner owner, CancellationToken cancellationToken)
    {
        Task[] connecting = [.. _destinations.Select(place => place.ConnectAsync(owner, _end.Token))];
        Task all = Task.WhenAll(connecting);
        Task any = WhenAnySucceedsAsync(connecting);
        await Task.WhenAny(all, any).WaitAsync(cancellationToken).ConfigureAwait(false);
        await Task.WhenAny(all, Task.Delay(ConnectWait, _time, cancellationToken)).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        for (int i = 0; i < connecting.Length; i++)
        {
            if (connecting[i].Exception?.InnerException is { } error)
            {
                await NoteUnconnectedAsync(_destinations[i], error).ConfigureAwait(false);
            }
        }

        if (Array.TrueForAll(_destinations, place => place.Replica is null))
        {
            throw connecting.First(task => task.IsFaulted).Exception!.InnerException!;
        }
    }

    private static async Task WhenAnySucceedsAsync(IEnumerable<Task> tasks)
    {
        List<Task> left = [.. tasks];
        while (left.Count > 0)
        {
            Task done = await Task.WhenAny(left).ConfigureAwait(false);
            if (done.IsCompletedSuccessfully)
            {
                return;
            }

            left.Remove(done);
        }
    }

    // At the first start a person is there to mend what cannot pass by itself; later the others go on.
    private async Task NoteUnconnectedAsync(Destination place, Exception error)
    {
        if (error is not LitestreamException known || (_first && !(known is ReplicaUnreachableException && _options.WaitForReplica)))
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
            return;
        }

        place.Board.Fail(known);
        await place.DisconnectAsync().ConfigureAwait(false);
    }

    // Against the replica that reaches furthest; of several empty ones, one that did not fail lately. One that is not ours to continue is
    // judged again when it is to join behind another.
    private async Task<(Destination Lead, StartState Start)> ProveAsync(CancellationToken cancellationToken)
    {
        ulong neededAfter = _destinations.Min(place => place.Replica?.HeadTxid ?? 0);
        Queue<Destination> candidates = new(_destinations
            .Where(place => place.Replica is not null)
            .OrderByDescending(place => place.Replica!.HeadTxid)
            .ThenBy(place => place.Board.Status.LastErrorAt));
        while (true)
        {
            Destination lead = candidates.Dequeue();
            try
            {
                var proof = new StartProof(lead.Store, lead.Replica!, _folder, neededAfter, _options.AdoptReplica, _options.Rebase);
                return (lead, await proof.ProveAsync(_staging, cancellationToken).ConfigureAwait(false));
            }
            catch (ReplicaConflictException) when (candidates.Count > 0)
            {
            }
        }
    }

    private async Task BeginStreamingAsync(Destination lead, ReplicaOwner owner, CancellationToken cancellationToken)
    {
        _loop = new CaptureLoop(_capture!, _staging, _destinations, _board, _options, _time, CaptureScheduler.Shared);
        _loops =
        [
            .. _destinations.Select(place => new DestinationLoop(place, lead, _loop, _staging, _folder, _table!.NodeId, _options, owner, _time)),
        ];
        foreach (Destination place in _destinations)
        {
            place.Cursor = _staging.Attach(_capture!.Captured.Txid + 1);
        }

        if (!_staging.TryMove(lead.Cursor, lead.Catalogue!.HeadTxid + 1))
        {
            throw new InvalidOperationException("What the replica lacks is not staged.");
        }

        _loop.Start();
        if (_first)
        {
            foreach ((Destination place, DestinationLoop loop) in _destinations.Zip(_loops).Where(pair => pair.First is { Replica: not null, Catalogue: null }))
            {
                // What is found out here need not be asked again when it joins.
                place.Catalogue = await loop.TryContinueAsync(cancellationToken).ConfigureAwait(false) ? new ReplicaCatalogue(place.Replica!.Files) : null;
            }
        }

        lead.Board.Enter(ReplicationState.Streaming);
        _board.Enter(ReplicationState.Streaming);
        _running = [.. _loops.Select(loop => Task.Run(() => loop.RunAsync(_end.Token), CancellationToken.None))];
    }

    private async Task OpenCaptureAsync(Destination lead, LeapfrogPins pins, StartState start, CancellationToken cancellationToken)
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
            CapturedState captured = await SendBaseAsync(lead, pins, start, txid, pinnedAt, cancellationToken).ConfigureAwait(false);
            _capture = new CaptureSession(pins, _folder, _staging, _table!, _head!, captured, _board, _time)
            {
                LastTimestamp = pinnedAt,
                KeepFor = KeepFor,
                Gathers = Gathers,
            };
            _capture.WriteHead();
            return;
        }

        lead.Catalogue = new ReplicaCatalogue(start.Replica.Files);
        bool proven = TryProvePosition(_options.DatabasePath, _head!, pins, start, out WalPosition position);
        var known = new CapturedState(start.Txid, start.FileChecksum, start.PageCount, position);
        bool foreign = !await start.Replica.HeadIsOfAsync(_table!.NodeId, cancellationToken).ConfigureAwait(false);
        _capture = new CaptureSession(pins, _folder, _staging, _table, _head!, known, _board, _time)
        {
            ContinuesForeign = foreign,
            KeepFor = KeepFor,
            Gathers = Gathers,
            LastTimestamp = NewestTime(start, _staging.NewestTimestamp),
        };
        if (!proven)
        {
            await Task.Run(() => ProveByPages(start), cancellationToken).ConfigureAwait(false);
        }
    }

    private bool Gathers => _options.EffectiveSyncInterval > TimeSpan.Zero;

    // Until the first merge has read them.
    private TimeSpan KeepFor => _destinations
        .Where(place => place.Maintenance.Enabled)
        .Select(place => (place.Maintenance.Levels[0] * 2) + MaintenanceLoop.CheckInterval)
        .DefaultIfEmpty()
        .Max();

    // The clock may have been set back since the replica's files were captured.
    private static DateTimeOffset NewestTime(StartState start, DateTimeOffset time) =>
        start.Replica.Files.Select(file => file.Timestamp).Append(time).Max();

    private async Task<CapturedState> SendBaseAsync(
        Destination lead, LeapfrogPins pins, StartState start, ulong txid, DateTimeOffset pinnedAt, CancellationToken cancellationToken)
    {
        uint total = pins.Position.PageCount;
        bool difference = start.Txid > 0 && start.Table.PageSize == pins.Position.PageSize;
        string what = difference ? "what differs" : "base image";
        using PinnedImage image = PinnedImage.Of(pins.Pinned);
        (CapturedState captured, ReplicaFile file) = await Task.Run(SendAsync, cancellationToken).ConfigureAwait(false);
        _table!.Dispose();
        _table = PageChecksumTable.TryOpen(_folder.TablePath)
            ?? throw _folder.Failure("read", new IOException("The table just written cannot be read."));
        lead.Catalogue = new ReplicaCatalogue([.. lead.Replica!.Files, file]);
        lead.Board.Update(status => status with
        {
            BaseImages = status.BaseImages + (difference ? 0 : 1),
            FilesUploaded = status.FilesUploaded + 1,
            BytesUploaded = status.BytesUploaded + file.Size,
            ReplicaTxid = txid,
        });
        _board.Update(status => status with { Pages = status.Pages + captured.PageCount, CapturedTxid = txid });
        return captured;

        async Task<(CapturedState Captured, ReplicaFile File)> SendAsync()
        {
            try
            {
                if (difference)
                {
                    return await BaseImage.SendDifferenceAsync(
                        image, lead.Store, _folder, _table!, lead.Maintenance.Levels.Count, txid, pinnedAt, ReportBase, cancellationToken).ConfigureAwait(false);
                }

                // Windows replaces no file that is open.
                ulong nodeId = _table!.NodeId;
                _table.Dispose();
                (CapturedState state, long length) = await BaseImage.SendAsync(
                    image, lead.Store, _folder, txid, pinnedAt, nodeId, ReportBase, cancellationToken).ConfigureAwait(false);
                return (state, new ReplicaFile(LtxFileName.SnapshotLevel, new LtxFileName(1, txid), length, pinnedAt));
            }
            catch (LitestreamException e) when (e is not LocalStateException)
            {
                lead.Board.Note(e); // so that the next session tries another first
                throw;
            }
        }

        void ReportBase(uint done) => lead.Board.Enter(
            ReplicationState.Starting, string.Create(CultureInfo.InvariantCulture, $"{what} {100.0 * done / total:0} %"));
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

    /// <summary>The same generation, and the frame that was captured last still stands where it stood: what follows it is all that is new.</summary>
    internal static bool TryProvePosition(string path, HeadRecordFile records, LeapfrogPins pins, StartState start, out WalPosition position)
    {
        WalPosition now = pins.Position;
        position = now;
        if (start.Adopted || !records.TryRead(start.Txid, out HeadRecord head) || head.FileChecksum != start.FileChecksum)
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

        using var wal = new WalFile(path);
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
