using Litestream.Ltx;
using Litestream.Replication;
using Litestream.Sqlite;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Properties.Schedules;

/// <summary>The steps of the replicator on a database of the test's, and the image that its files lead to, applied as they come.</summary>
internal sealed class ScheduledCapture : IDisposable
{
    private readonly LocalStateFolder _folder;
    private readonly PageChecksumTable _table;
    private readonly HeadRecordFile _head;
    private readonly CaptureSession _session;
    private readonly Checkpointer _checkpointer;
    private readonly StatusBoard _board;
    private readonly Action<byte[]> _reached;
    private byte[] _image;

    private ScheduledCapture(string database, LeapfrogPins pins, byte[] image, CapturedState captured, ReplicationOptions options, Action<byte[]> reached)
    {
        _folder = new LocalStateFolder(database);
        _table = PageChecksumTable.TryOpen(_folder.TablePath)!;
        _head = new HeadRecordFile(_folder.HeadPath);
        _board = new StatusBoard(database, ["none"], TimeProvider.System);
        _session = new CaptureSession(pins, _folder, new StagingArea(_folder), _table, _head, captured, _board, TimeProvider.System);
        _checkpointer = new Checkpointer(_session, database, options);
        _image = [.. image];
        _reached = reached;
    }

    /// <summary>How often the WAL proved nothing and every page was compared.</summary>
    public int Scans => _board.Status.Scans;

    /// <summary>Sends a base image and begins. Each file's image is told to <paramref name="reached"/>.</summary>
    public static async Task<ScheduledCapture> StartAsync(string database, byte[] image, ReplicationOptions options, Action<byte[]> reached)
    {
        var folder = new LocalStateFolder(database);
        folder.Create();
        LeapfrogPins pins = StatementScheduler.Observe(() => LeapfrogPins.Open(database, TimeSpan.Zero));
        await using IReplicaStore store = options.Destinations[0].Open();
        using PinnedImage pinned = PinnedImage.Of(pins.Pinned);
        (CapturedState captured, _) = await BaseImage.SendAsync(
            pinned, store, folder, txid: 1, DateTimeOffset.UtcNow, nodeId: 77, progress: _ => { }, CancellationToken.None);
        return new ScheduledCapture(database, pins, image, captured, options, reached);
    }

    /// <summary>A look, and a capture if there is news.</summary>
    public void Look()
    {
        if (_session.HasNews())
        {
            Capture();
        }
    }

    /// <summary>A leap, and the window behind it; true if anything was in it.</summary>
    public bool Capture()
    {
        bool news = _session.Capture();
        ApplyStaged();
        return news;
    }

    /// <summary>A checkpoint of a quiet moment.</summary>
    public void Checkpoint()
    {
        _checkpointer.RunWhileIdle();
        ApplyStaged();
    }

    public void Dispose()
    {
        _checkpointer.Dispose();
        _session.Dispose();
        _head.Dispose();
        _table.Dispose();
    }

    private void ApplyStaged()
    {
        foreach (LtxFileName name in _folder.ListStaged())
        {
            string path = _folder.StagedPath(name);
            Apply(path).GetAwaiter().GetResult();
            File.Delete(path);
            _reached(_image);
        }
    }

    private async Task Apply(string path)
    {
        await using LtxDecoder decoder = await LtxDecoder.OpenAsync(File.OpenRead(path), path, CancellationToken.None);
        int pageSize = decoder.Header.PageSize;
        Array.Resize(ref _image, (int)decoder.Header.Commit * pageSize);
        byte[] page = new byte[pageSize];
        while (await decoder.ReadPageAsync(page, CancellationToken.None) is var number and not 0)
        {
            page.CopyTo(_image, (number - 1) * pageSize);
        }
    }
}
