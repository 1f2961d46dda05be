using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A capture session without its loop, over a base image in a folder: each step is the test's own.</summary>
internal sealed class CaptureRig : IAsyncDisposable
{
    private readonly LocalStateFolder _folder;
    private readonly IReplicaStore _store;
    private readonly PageChecksumTable _table;
    private readonly HeadRecordFile _head;
    private readonly StagingCursor _cursor;

    private CaptureRig(
        LocalStateFolder folder, IReplicaStore store, PageChecksumTable table, HeadRecordFile head, CaptureSession session, StagingArea staging, StatusBoard board)
    {
        (_folder, _store, _table, _head, Session, Staging, Board) = (folder, store, table, head, session, staging, board);
        _cursor = staging.Attach(session.Captured.Txid + 1);
    }

    public CaptureSession Session { get; }

    public StagingArea Staging { get; }

    public StatusBoard Board { get; }

    /// <summary>Sends a base image of a database and begins to capture behind it.</summary>
    public static async Task<CaptureRig> StartAsync(string database, string replica, TimeProvider? clock = null, string? head = null, bool gathers = false)
    {
        TimeProvider time = clock ?? TimeProvider.System;
        var folder = new LocalStateFolder(database);
        folder.Create();
        IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        LeapfrogPins pins = LeapfrogPins.Open(database, TimeSpan.FromSeconds(1));
        using PinnedImage image = PinnedImage.Of(pins.Pinned);
        (CapturedState captured, _) = await BaseImage.SendAsync(
            image, store, folder, txid: 1, time.GetUtcNow(), nodeId: 77, progress: _ => { }, CancellationToken.None);
        PageChecksumTable table = PageChecksumTable.TryOpen(folder.TablePath)!;
        var records = new HeadRecordFile(head ?? folder.HeadPath);
        var staging = new StagingArea(folder);
        var board = new StatusBoard(database, [replica], time);
        var session = new CaptureSession(pins, folder, staging, table, records, captured, board, time) { Gathers = gathers };
        return new CaptureRig(folder, store, table, records, session, staging, board);
    }

    /// <summary>Sends what is staged.</summary>
    public async Task UploadAsync()
    {
        while (Staging.Waiting(_cursor).Oldest is not null)
        {
            StagedFile file = (await Staging.NextAsync(_cursor, behind: null, CancellationToken.None))!;
            byte[] bytes = await File.ReadAllBytesAsync(_folder.StagedPath(file.Name));
            await _store.PutAsync(
                0, file.Name, file.Timestamp, file.Length, (stream, cancel) => stream.WriteAsync(bytes, cancel).AsTask(), CancellationToken.None);
            Staging.MarkUploaded(_cursor);
        }
    }

    /// <summary>The pages of a file that waits, by number.</summary>
    public async Task<List<uint>> StagedPagesAsync(ulong txid)
    {
        await using FileStream stream = File.OpenRead(_folder.StagedPath(new LtxFileName(txid, txid)));
        return [.. (await Ltx.LtxReading.ReadAsync(stream)).Pages.Select(page => page.Number)];
    }

    /// <summary>Uploads, lets the database go, and compares.</summary>
    public async Task EqualAsync(string database, string replica)
    {
        await UploadAsync();
        Session.Dispose();
        await Images.EqualAsync(database, replica);
    }

    public async ValueTask DisposeAsync()
    {
        Session.Dispose();
        _table.Dispose();
        _head.Dispose();
        await _store.DisposeAsync();
    }
}
