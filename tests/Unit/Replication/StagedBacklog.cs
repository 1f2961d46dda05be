using Litestream.Ltx;
using Litestream.Maintenance;
using Litestream.Replication;
using Litestream.State;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Captured files that wait for a replica, and what sends them. Of the files only names and lengths are real.</summary>
internal sealed class StagedBacklog
{
    private readonly LocalStateFolder _folder;
    private readonly StagingArea _staging;
    private readonly StagingCursor _cursor;

    /// <summary>None waits yet.</summary>
    /// <param name="database">The database that has been captured; it need not be there.</param>
    /// <param name="store">The replica, empty.</param>
    public StagedBacklog(string database, IReplicaStore store)
    {
        _folder = new LocalStateFolder(database);
        _folder.Create();
        _staging = new StagingArea(_folder);
        _cursor = _staging.Attach(1);
        Board = new DestinationBoard(database, store.Location, TimeProvider.System);
        ReplicationOptions options = new() { DatabasePath = database, Destinations = [], MaxRetryInterval = TimeSpan.FromSeconds(1) };
        Uploader = new Uploader(store, _folder, _staging, Board, options, TimeProvider.System);
    }

    /// <summary>Sends them.</summary>
    public Uploader Uploader { get; }

    /// <summary>What is said of it.</summary>
    public DestinationBoard Board { get; }

    /// <summary>The transactions that wait, or have waited: 1 to this.</summary>
    public ulong Captured { get; private set; }

    /// <summary>What the file of a transaction holds.</summary>
    public static byte[] Content(ulong txid, int length)
    {
        byte[] content = new byte[length];
        new Random((int)txid).NextBytes(content);
        return content;
    }

    /// <summary>Puts files in line.</summary>
    /// <param name="lengths">Their lengths.</param>
    public void Add(params IEnumerable<int> lengths)
    {
        foreach (int length in lengths)
        {
            Captured++;
            LtxFileName name = new(Captured, Captured);
            File.WriteAllBytes(_folder.StagedPath(name), Content(Captured, length));
            _staging.Enqueue(new StagedFile(name, length, DateTimeOffset.UnixEpoch.AddSeconds(Captured), FileChecksum: Captured));
        }
    }

    /// <summary>Sends until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Uploader.RunAsync(_cursor, 0, new ReplicaCatalogue([]), cancellationToken);

    /// <summary>Returns when the replica has all of them; fails with what ends the sending.</summary>
    public async Task SendAllAsync()
    {
        using CancellationTokenSource end = new();
        Task sending = RunAsync(end.Token);
        Task all = Uploader.WaitForAsync(Captured, end.Token);
        await await Task.WhenAny(sending, all);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }
}
