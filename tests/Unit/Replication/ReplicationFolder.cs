using Litestream.Replication;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A database and a replica in a folder of the test's own, and the replicators that the test starts on them.</summary>
internal sealed class ReplicationFolder : IAsyncDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly List<Replicator> _replicators = [];

    /// <summary>Full path of the database.</summary>
    public string Database => _temporary["app.db"];

    /// <summary>Full path of the replica.</summary>
    public string Replica => _temporary["replica"];

    /// <summary>Full path of the database's local state.</summary>
    public string State => _temporary[".app.db-litestream"];

    public string this[params string[] parts] => _temporary[parts];

    /// <summary>What the test changes of the options.</summary>
    public ReplicationOptions Options => new() { DatabasePath = Database, Destination = Replica, BusyTimeout = TimeSpan.FromSeconds(1) };

    /// <summary>A replicator that is not started.</summary>
    public Replicator Create(ReplicationOptions? options = null, TimeProvider? time = null)
    {
        var replicator = new Replicator(options ?? Options, time);
        _replicators.Add(replicator);
        return replicator;
    }

    /// <summary>A replicator that streams.</summary>
    public async Task<Replicator> StartAsync(ReplicationOptions? options = null, TimeProvider? time = null)
    {
        Replicator replicator = Create(options, time);
        await replicator.StartAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        return replicator;
    }

    /// <summary>Streams from start to end: catches up and stops. Tells what it did.</summary>
    public async Task<ReplicationStatus> OnceAsync(ReplicationOptions? options = null)
    {
        Replicator replicator = await StartAsync(options);
        await replicator.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(ReplicationState.Stopped, replicator.Status.State);
        return replicator.Status;
    }

    /// <summary>Fails unless the replica holds exactly the database. Nobody has it open.</summary>
    public Task<ulong> EqualAsync() => Images.EqualAsync(Database, Replica);

    public async ValueTask DisposeAsync()
    {
        foreach (Replicator replicator in _replicators)
        {
            await replicator.DisposeAsync();
        }

        _temporary.Dispose();
    }
}
