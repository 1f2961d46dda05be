using Litestream.Replication;
using Litestream.Verification;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// One replication that this process carries out. Between a suspension and the next resumption there is no replicator: the database is
/// closed and every lock let go. Thread-safe; what changes it happens one after the other.
/// </summary>
/// <param name="options">What, where to, how eagerly.</param>
internal sealed class HostedReplication(ReplicationOptions options) : IAsyncDisposable
{
    // Never disposed: whoever stops it a second time may still wait here.
    private readonly SemaphoreSlim _changing = new(1);
    private volatile Replicator _replicator = new(options);
    private volatile ReplicationStatus? _resting;
    private ContinuousVerification? _verification;

    /// <summary>Full path of the database.</summary>
    internal string Path => options.DatabasePath;

    /// <summary>Completes when it streams, or faults with what a person must mend.</summary>
    internal Task Starting { get; private set; } = Task.CompletedTask;

    /// <summary>It was stopped by another process than the one that started it.</summary>
    internal bool StoppedByOther { get; set; }

    /// <summary>As it is now.</summary>
    internal ReplicationStatus Status => _resting ?? _replicator.Status;

    /// <summary>Begins, in the background.</summary>
    internal void Start()
    {
        Replicator replicator = _replicator;
        Starting = Task.Run(() => replicator.StartAsync(CancellationToken.None));
        // Whoever waits for it hears of a failure; so does whoever looks at the status later.
        _ = Starting.ContinueWith(
            task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        _verification = options.VerifyInterval is null ? null : ContinuousVerification.Start(replicator, options, Starting);
    }

    /// <summary>Returns when it streams, or when the patience is at its end and it goes on in the background.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <exception cref="LitestreamException">It cannot start.</exception>
    internal async Task WaitForStartAsync(TimeSpan patience)
    {
        await Task.WhenAny(Starting, Task.Delay(patience)).ConfigureAwait(false);
        if (Starting.IsFaulted)
        {
            await Starting.ConfigureAwait(false);
        }
    }

    /// <summary>Returns when everything committed before the call is in the replica.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ReplicationException">It is suspended.</exception>
    internal Task SyncAsync(CancellationToken cancellationToken) => _resting is { State: ReplicationState.Suspended }
        ? throw new ReplicationException(
            ErrorTable.ReplicationSuspended,
            $"The replication of '{Path}' is suspended: what is committed meanwhile is in no replica. Resume it; what has changed goes up then.")
        {
            Database = Path,
        }
        : _replicator.SyncAsync(cancellationToken);

    /// <summary>Does a last sync and ends.</summary>
    /// <param name="limit">How long the last sync may take.</param>
    /// <returns>Its last status.</returns>
    internal Task<ReplicationStatus> StopAsync(TimeSpan limit) => ChangeAsync(async () =>
    {
        if (_resting is { } resting)
        {
            _resting = resting.State == ReplicationState.Suspended
                ? resting with { State = ReplicationState.Stopped, Since = TimeProvider.System.GetUtcNow() }
                : resting;
            return _resting;
        }

        return await EndAsync(limit).ConfigureAwait(false);
    });

    /// <summary>Does a last sync and closes the database until it is resumed.</summary>
    /// <param name="limit">How long the last sync may take.</param>
    internal Task SuspendAsync(TimeSpan limit) => ChangeAsync(async () =>
    {
        if (Status.State is ReplicationState.Suspended)
        {
            return Status;
        }

        EnsureNotEnded();
        ReplicationStatus last = await EndAsync(limit).ConfigureAwait(false);
        _resting = last.State == ReplicationState.Faulted
            ? last
            : last with { State = ReplicationState.Suspended, Since = TimeProvider.System.GetUtcNow() };
        return _resting;
    });

    /// <summary>Opens the database again, proves how it stands to the replica, and goes on. Also a way out of a fault that was mended.</summary>
    /// <param name="patience">How long to wait for it to stream.</param>
    /// <exception cref="LitestreamException">It cannot start; it stays as a fault.</exception>
    internal Task ResumeAsync(TimeSpan patience) => ChangeAsync(async () =>
    {
        if (Status.State is ReplicationState.Suspended or ReplicationState.Faulted)
        {
            await LetGoAsync().ConfigureAwait(false);
            _replicator = new Replicator(options);
            _resting = null;
            Start();
            await WaitForStartAsync(patience).ConfigureAwait(false);
        }

        EnsureNotEnded();
        return Status;
    });

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(LetGoAsync());

    private async Task LetGoAsync()
    {
        await EndVerificationAsync().ConfigureAwait(false);
        await _replicator.DisposeAsync().ConfigureAwait(false);
    }

    private async Task EndVerificationAsync()
    {
        if (_verification is { } verification)
        {
            _verification = null;
            await verification.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<ReplicationStatus> EndAsync(TimeSpan limit)
    {
        // The last sync does not wait for a test to come to its end.
        Task verification = EndVerificationAsync();
        Replicator replicator = _replicator;
        ReplicationStatus last = await OrderlyEnd.StopAsync(replicator, limit).ConfigureAwait(false);
        await verification.ConfigureAwait(false);
        await replicator.DisposeAsync().ConfigureAwait(false);
        _resting = last;
        return last;
    }

    private void EnsureNotEnded()
    {
        if (Status.State is ReplicationState.Stopped)
        {
            throw new ReplicationException(ErrorTable.ReplicationNotFound, $"The replication of '{Path}' has been stopped already.")
            {
                Database = Path,
            };
        }
    }

    private async Task<ReplicationStatus> ChangeAsync(Func<Task<ReplicationStatus>> change)
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        try
        {
            return await change().ConfigureAwait(false);
        }
        finally
        {
            _changing.Release();
        }
    }
}
