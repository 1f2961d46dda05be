using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Machine;

/// <summary>The replicator without its threads: every step of it is called by the test, so that a life can be repeated exactly.</summary>
internal sealed class ReplicatorSteps(string database, UnsteadyStore store, MachineClock clock, ReplicationOptions options) : IAsyncDisposable
{
    private readonly LocalStateFolder _folder = new(database);
    private readonly string _database = database;
    private PageChecksumTable? _table;
    private HeadRecordFile? _head;
    private CaptureSession? _session;
    private StagingArea _staging = null!;
    private StagingCursor _cursor = null!;
    private Checkpointer? _checkpointer;
    private ReplicaCatalogue _catalogue = null!;
    private MaintenanceSchedule _schedule = null!;
    private ulong _durable;

    /// <summary>Whether it runs.</summary>
    public bool IsRunning => _session is not null;

    /// <summary>The last transaction captured.</summary>
    public ulong CapturedTxid => _session!.Captured.Txid;

    /// <summary>Starts as a session does: proves the local state, sends a full image if one is needed, begins to capture.</summary>
    /// <returns>The last transaction that it continues from; what was captured behind it is captured anew.</returns>
    public async Task<ulong> StartAsync()
    {
        var board = new StatusBoard(_database, [store.Location], clock);
        _staging = new StagingArea(_folder);
        ReplicaLineage replica = await ReplicaLineage.ReadAsync(store, CancellationToken.None);
        StartState start = await new StartProof(store, replica, _folder, replica.HeadTxid, adopt: true, rebase: null).ProveAsync(_staging, CancellationToken.None);
        _table = start.Table;
        _head = new HeadRecordFile(_folder.HeadPath);
        LeapfrogPins pins = LeapfrogPins.Open(_database, TimeSpan.Zero);
        try
        {
            _session = await OpenAsync(pins, replica, start, board);
        }
        catch
        {
            pins.Dispose();
            Release();
            throw;
        }

        _cursor = _staging.Attach(_session.Captured.Txid + 1);
        Assert.True(_staging.TryMove(_cursor, _catalogue.HeadTxid + 1), "What the replica lacks is not staged.");
        _checkpointer = new Checkpointer(_session, _database, options);
        _schedule = new MaintenanceSchedule(store, _catalogue, options.Maintenance, clock);
        _durable = 0;
        return (start.BaseTxid - 1) ?? start.Txid;
    }

    /// <summary>One look, and a capture if there is news; true if that captured anything.</summary>
    public bool Look()
    {
        if (!_session!.HasNews())
        {
            return false;
        }

        bool news = _checkpointer!.Capture();
        if (news)
        {
            _checkpointer.RunIfDue();
        }

        return news;
    }

    /// <summary>Captures what is committed.</summary>
    public void Capture() => _checkpointer!.Capture();

    /// <summary>A checkpoint in a quiet moment, or one that is due.</summary>
    public void Checkpoint(bool idle)
    {
        if (idle)
        {
            _checkpointer!.RunWhileIdle();
        }
        else
        {
            _checkpointer!.RunIfDue();
        }

        _session!.MakeDurable();
        _durable = CapturedTxid;
    }

    /// <summary>Saves the page checksum table.</summary>
    public void SaveTable()
    {
        _session!.SaveTable();
        _durable = CapturedTxid;
    }

    /// <summary>Sends files until none waits, or so many; an outage ends it.</summary>
    public async Task<bool> UploadAsync(int most)
    {
        for (; most > 0 && _staging.Waiting(_cursor).Oldest is not null; most--)
        {
            StagedFile file = (await _staging.NextAsync(_cursor, behind: null, CancellationToken.None))!;
            byte[] bytes = await File.ReadAllBytesAsync(_folder.StagedPath(file.Name));
            try
            {
                await ((IReplicaStore)store).PutAsync(
                    0, file.Name, file.Timestamp, file.Length, (stream, cancel) => stream.WriteAsync(bytes, cancel).AsTask(), CancellationToken.None);
            }
            catch (ReplicaUnreachableException)
            {
                return false;
            }

            _catalogue.Add(new ReplicaFile(0, file.Name, file.Length, file.Timestamp));
            _staging.MarkUploaded(_cursor);
        }

        return true;
    }

    /// <summary>Merges, makes a full image and deletes, as far as due; an outage ends each.</summary>
    public async Task MaintainAsync()
    {
        await TryAsync(() => _schedule.MergeAsync(CancellationToken.None));
        await TryAsync(() => _schedule.MakeImageAsync(SendImageAsync, CancellationToken.None));
        await TryAsync(() => _schedule.DeleteExpiredAsync(CancellationToken.None));
    }

    /// <summary>Ends in order.</summary>
    public void Stop()
    {
        _session!.WriteHead();
        _session.SaveTable();
        Release();
    }

    /// <summary>Ends as by a kill: nothing is written any more. With a power cut, files that were never flushed are torn.</summary>
    public void Crash(bool powerCut, Random random)
    {
        Release();
        if (!powerCut)
        {
            return;
        }

        foreach (LtxFileName name in _folder.ListStaged().Where(name => name.MaxTxid > _durable && random.Next(2) == 0))
        {
            string path = _folder.StagedPath(name);
            byte[] bytes = File.ReadAllBytes(path);
            bytes.AsSpan(random.Next(bytes.Length)).Clear();
            File.WriteAllBytes(path, bytes);
        }
    }

    /// <summary>Deletes the local state, as somebody who cleans up.</summary>
    public void LoseLocalState()
    {
        if (Directory.Exists(_folder.Path))
        {
            Directory.Delete(_folder.Path, recursive: true);
        }
    }

    public ValueTask DisposeAsync()
    {
        Release();
        return store.DisposeAsync();
    }

    private async Task<CaptureSession> OpenAsync(LeapfrogPins pins, ReplicaLineage replica, StartState start, StatusBoard board)
    {
        DateTimeOffset newest = replica.Files.Select(file => file.Timestamp).Append(DateTimeOffset.MinValue).Max();
        if (start.BaseTxid is { } txid)
        {
            DateTimeOffset now = clock.GetUtcNow() > newest ? clock.GetUtcNow() : newest;
            ulong node = _table!.NodeId;
            _table.Dispose();
            using PinnedImage image = PinnedImage.Of(pins.Pinned);
            (CapturedState captured, long length) = await BaseImage.SendAsync(
                image, store, _folder, txid, now, node, _ => { }, CancellationToken.None);
            _table = PageChecksumTable.TryOpen(_folder.TablePath)!;
            _catalogue = new ReplicaCatalogue([.. replica.Files, new ReplicaFile(LtxFileName.SnapshotLevel, new LtxFileName(1, txid), length, now)]);
            var begun = new CaptureSession(pins, _folder, _staging, _table, _head!, captured, board, clock) { LastTimestamp = now };
            begun.WriteHead();
            return begun;
        }

        _catalogue = new ReplicaCatalogue(replica.Files);
        bool proven = ReplicationSession.TryProvePosition(_database, _head!, pins, start, out WalPosition position);
        var session = new CaptureSession(
            pins, _folder, _staging, _table!, _head!, new CapturedState(start.Txid, start.FileChecksum, start.PageCount, position), board, clock)
        {
            ContinuesForeign = !await replica.HeadIsOfAsync(_table!.NodeId, CancellationToken.None),
            LastTimestamp = newest > _staging.NewestTimestamp ? newest : _staging.NewestTimestamp,
        };
        if (start.Adopted)
        {
            DurableFile.Rename(_folder.AdoptionPath, _folder.TablePath);
        }

        if (!proven)
        {
            session.CaptureByScan();
        }

        return session;
    }

    private async Task<(ReplicaFile File, LtxTrailer Trailer)?> SendImageAsync(CancellationToken cancellationToken)
    {
        if (_session!.TryPinCaptured(TimeSpan.Zero) is not { } found)
        {
            return null;
        }

        using PinnedImage image = found.Image;
        return await UploadAsync(int.MaxValue)
            ? await BaseImage.SendSnapshotAsync(
                image, store, found.Captured.Txid, _session.LastTimestamp, _table!.NodeId, _ => { }, cancellationToken)
            : null;
    }

    private static async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (ReplicaUnreachableException)
        {
            // Tried again when it is due.
        }
    }

    private void Release()
    {
        _checkpointer?.Dispose();
        _session?.Dispose();
        _head?.Dispose();
        _table?.Dispose();
        (_checkpointer, _session, _head, _table) = (null, null, null, null);
    }
}
