using Litestream.Diagnostics;
using Litestream.Sqlite;
using Litestream.Storage;

namespace Litestream.Replication;

/// <summary>
/// Replicates one database to one or several places until it is stopped. What tears a session (the database replaced, the replica gone, the
/// disk full) is shown in the status and followed by another session; only what a person must mend ends it.
/// </summary>
public sealed class Replicator : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(250);

    private readonly ReplicationOptions _options;
    private readonly TimeProvider _time;
    private readonly IReplicaStore[] _stores;
    private readonly StatusBoard _board;
    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource _streaming = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CancellationToken> _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private volatile ReplicationSession? _session;
    private Task? _run;
    private int _disposed;

    /// <summary>Prepares a replication. Nothing is opened yet.</summary>
    /// <param name="options">What, where to, how eagerly.</param>
    /// <param name="timeProvider">The clock; null for the system's.</param>
    /// <exception cref="PathUnusableException">The system would take the database's path for another one.</exception>
    /// <exception cref="ReplicaLocationException">A destination cannot be one, or is given twice.</exception>
    /// <exception cref="Maintenance.MaintenanceSettingException">Intervals and retention contradict each other.</exception>
    public Replicator(ReplicationOptions options, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ValidateMaintenance();
        _options = options with { DatabasePath = FullPath.Of(options.DatabasePath) };
        _time = timeProvider ?? TimeProvider.System;
        EnsureDistinct(options.Destinations);
        _stores = [.. options.Destinations.Select(MeasuredStore.Open)];
        _board = new StatusBoard(_options.DatabasePath, _stores.Select(store => store.Location), _time);
    }

    /// <summary>The state now. Cheap, safe from any thread, never throws.</summary>
    public ReplicationStatus Status
    {
        get
        {
            ReplicationStatus status = _board.Status;
            ReplicationSession? session = _session;
            return session is null ? status : _board.Own.With([.. status.Destinations.Select((place, i) => WithLag(place, session, i))]);
        }
    }

    /// <summary>Completes when the replication has ended, for whatever reason; <see cref="Status"/> says which. Never faults.</summary>
    public Task Completion => _run ?? Task.CompletedTask;

    /// <summary>
    /// Opens the database, proves the local state and begins to stream, in the background.
    /// Completes when the replication streams, or throws what a person must mend (and then has ended).
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting and stops the replication.</param>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_run is not null)
            {
                throw new InvalidOperationException("A replicator is started once.");
            }

            ReplicationGauges.Add(this);
            _run = Task.Run(RunAsync, CancellationToken.None);
        }

        using CancellationTokenRegistration registration = cancellationToken.Register(_abort.Cancel);
        await _streaming.Task.ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Returns when everything committed before the call is durable in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting; the replication goes on.</param>
    /// <exception cref="LitestreamException">The replication has ended, or ends while we wait.</exception>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _streaming.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (Completion.IsCompleted)
            {
                throw Ended();
            }

            ReplicationSession? session = _session;
            try
            {
                if (session is not null)
                {
                    await session.SyncAsync(cancellationToken).ConfigureAwait(false);
                    return;
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // This session is over; the next one will hold what was committed, or there is none.
            }

            await Task.Delay(FirstRetry, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Notes in the status what came of a test of a replica.</summary>
    /// <param name="destination">Its number in the options.</param>
    /// <param name="outcome">What was proven.</param>
    /// <param name="txid">Up to which transaction; 0 for none.</param>
    /// <param name="error">What was found wrong, or could not be proven; null if nothing.</param>
    public void NoteVerification(int destination, VerificationOutcome outcome, ulong txid, string? error) =>
        _board.Destinations[destination].NoteVerification(outcome, txid, error);

    /// <summary>Does a last sync and ends. Never throws for a replica that cannot be reached: the status says what is missing.</summary>
    /// <param name="cancellationToken">Ends the last sync; what is captured stays in the local state and goes up at the next start.</param>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stop.TrySetResult(cancellationToken);
        await Completion.ConfigureAwait(false);
    }

    /// <summary>Ends at once, without a last sync.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        ReplicationGauges.Remove(this);
        await _abort.CancelAsync().ConfigureAwait(false);
        await Completion.ConfigureAwait(false);
        foreach (IReplicaStore store in _stores)
        {
            await store.DisposeAsync().ConfigureAwait(false);
        }

        _abort.Dispose();
    }

    private DestinationStatus WithLag(DestinationStatus place, ReplicationSession session, int index)
    {
        (DateTimeOffset? oldest, long bytes) = session.Waiting(index);
        if (oldest is null)
        {
            bool inSync = place.State == ReplicationState.Streaming && session.LastLook > (place.LastSyncAt ?? DateTimeOffset.MinValue);
            return place with { LastSyncAt = inSync ? session.LastLook : place.LastSyncAt };
        }

        TimeSpan lag = _time.GetUtcNow() - oldest.Value;
        return place with { Lag = lag > TimeSpan.Zero ? lag : TimeSpan.Zero, LagBytes = bytes };
    }

    private static void EnsureDistinct(IReadOnlyList<ReplicaLocation> places)
    {
        if (places.Count == 0)
        {
            throw new ReplicaLocationException("There is no destination. Nothing was changed. Name at least one.");
        }

        if (places.GroupBy(Key).FirstOrDefault(same => same.Count() > 1)?.First().Address is { } twice)
        {
            throw new ReplicaLocationException($"'{twice}' is given twice as a destination. Nothing was changed. Name each place once.")
            { Replica = twice };
        }

        static string Key(ReplicaLocation place) =>
            OperatingSystem.IsWindows() && place is FolderLocation ? place.Address.ToUpperInvariant() : place.Address;
    }

    private async Task RunAsync()
    {
        TimeSpan pause = FirstRetry;
        try
        {
            while (!_stop.Task.IsCompleted)
            {
                try
                {
                    await RunSessionAsync(() => pause = FirstRetry).ConfigureAwait(false);
                }
                catch (LitestreamException e) when (MayPass(e))
                {
                    _board.Fail(e, _streaming.Task.IsCompleted ? ReplicationState.Retrying : WaitingState(e));
                    await Task.WhenAny(_stop.Task, Task.Delay(pause, _time, _abort.Token)).ConfigureAwait(false);
                    _abort.Token.ThrowIfCancellationRequested();
                    pause = pause * 2 < _options.MaxRetryInterval ? pause * 2 : _options.MaxRetryInterval;
                }
            }

            _board.Enter(ReplicationState.Stopped);
            _streaming.TrySetResult();
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            _board.Enter(ReplicationState.Stopped, "ended without a last sync");
            _streaming.TrySetCanceled();
        }
        catch (Exception e)
        {
            _board.Fail(e, ReplicationState.Faulted);
            _streaming.TrySetException(e);
        }
    }

    private async Task RunSessionAsync(Action streams)
    {
        using CancellationTokenSource start = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
        var session = new ReplicationSession(_options, _stores, _board, first: !_streaming.Task.IsCompleted, _time);
        await using (session.ConfigureAwait(false))
        {
            Task starting = session.StartAsync(start.Token);
            if (await Task.WhenAny(starting, _stop.Task).ConfigureAwait(false) != starting)
            {
                await start.CancelAsync().ConfigureAwait(false);
                await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }

            await starting.ConfigureAwait(false);
            _session = session;
            _streaming.TrySetResult();
            streams();
            try
            {
                await StreamAsync(session).ConfigureAwait(false);
            }
            finally
            {
                _session = null;
            }
        }
    }

    private async Task StreamAsync(ReplicationSession session)
    {
        Task running = session.RunAsync();
        Task first = await Task.WhenAny(running, _stop.Task, Task.Delay(Timeout.InfiniteTimeSpan, _abort.Token)).ConfigureAwait(false);
        if (first == running)
        {
            await running.ConfigureAwait(false);
        }

        _abort.Token.ThrowIfCancellationRequested();
        using CancellationTokenSource finish = CancellationTokenSource.CreateLinkedTokenSource(
            _abort.Token, await _stop.Task.ConfigureAwait(false));
        try
        {
            await session.FinishAsync(finish.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_abort.IsCancellationRequested)
        {
            _board.Update(status => status with
            {
                Detail = "the last sync ran out of time; what is captured goes up at the next start",
            });
        }
    }

    // At the first start what cannot pass by itself is an error; once it has streamed, a person may be mending things meanwhile.
    private bool MayPass(LitestreamException error) => !_abort.IsCancellationRequested && error switch
    {
        ReplicaConflictException or SqliteLibraryException or ReplicaLocationException => false,
        DatabaseNotFoundException => _options.WaitForDatabase || _streaming.Task.IsCompleted,
        ReplicaUnreachableException => _options.WaitForReplica || _streaming.Task.IsCompleted,
        _ => _streaming.Task.IsCompleted,
    };

    private static ReplicationState WaitingState(LitestreamException error) =>
        error is DatabaseNotFoundException ? ReplicationState.Starting : ReplicationState.Retrying;

    private ReplicationEndedException Ended()
    {
        ReplicationStatus status = _board.Status;
        return new ReplicationEndedException(
            $"The replication of '{status.DatabasePath}' has ended{(status.LastError is { } error ? $": {error}" : ".")} What it holds: transaction {status.ReplicaTxid}. Start it again.")
        { Database = status.DatabasePath, Replica = status.Destination };
    }
}
