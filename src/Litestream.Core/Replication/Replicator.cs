namespace Litestream.Replication;

/// <summary>Replicates one database to one place until it is stopped.</summary>
public sealed class Replicator : IAsyncDisposable
{
    /// <summary>Prepares a replication. Nothing is opened yet.</summary>
    /// <param name="options">What, where to, how eagerly.</param>
    /// <param name="timeProvider">The clock; null for the system's.</param>
    public Replicator(ReplicationOptions options, TimeProvider? timeProvider = null) => _ = (options, timeProvider);

    /// <summary>The state now. Cheap, safe from any thread, never throws.</summary>
    public ReplicationStatus Status => throw new NotImplementedException();

    /// <summary>
    /// Opens the database, proves the local state and begins to stream, in the background.
    /// Completes when the replication streams, or throws what a person must mend (and then has ended).
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting and stops the replication.</param>
    public Task StartAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Returns when everything committed before the call is durable in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting; the replication goes on.</param>
    /// <exception cref="LitestreamException">The replication has ended, or ends while we wait.</exception>
    public Task SyncAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Does a last sync and ends. Never throws for a replica that cannot be reached: the status says what is missing.</summary>
    /// <param name="cancellationToken">Ends the last sync; what is captured stays in the local state and goes up at the next start.</param>
    public Task StopAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Completes when the replication has ended, for whatever reason; <see cref="Status"/> says which.</summary>
    public Task Completion => throw new NotImplementedException();

    /// <summary>Ends at once, without a last sync.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
