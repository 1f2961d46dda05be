using System.Diagnostics.CodeAnalysis;
using Litestream.PowerShell.Observation;
using Litestream.Replication;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// The replications that this process has started, in whatever runspace, and the one worker process that does them. Thread-safe.
/// One that ended by an error stays in the list, so that nobody overlooks it, until it is stopped or its database is started anew.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The one instance lives as long as the process.")]
internal sealed class SessionReplications
{
    /// <summary>How long a start may take before it goes on in the background; an obvious mistake shows within it.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(2);

    /// <summary>How long the worker may take to say how it is.</summary>
    private static readonly TimeSpan StatusLimit = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly List<SessionReplication> _replications = [];
    private readonly List<SessionWatch> _watches = [];
    private readonly SemaphoreSlim _workerGate = new(1);
    private WorkerProcess? _worker;
    private int _workerUses;
    private int _lastKey;

    /// <summary>This process' replications.</summary>
    internal static SessionReplications Current { get; } = new();

    /// <summary>The databases on the list and their replicas' places, without asking the worker.</summary>
    internal IReadOnlyList<(string Database, string Place)> Places()
    {
        lock (_gate)
        {
            return [.. _replications.Select(replication => (replication.Path, replication.Destination))];
        }
    }

    /// <summary>Folders whose databases are replicated as they come and go.</summary>
    internal IReadOnlyList<SessionWatch> Watches
    {
        get
        {
            lock (_gate)
            {
                return [.. _watches];
            }
        }
    }

    /// <summary>Takes a watch on the list.</summary>
    /// <param name="watch">That has begun.</param>
    internal void Add(SessionWatch watch)
    {
        lock (_gate)
        {
            _watches.Add(watch);
        }
    }

    /// <summary>Takes a watch off the list.</summary>
    /// <param name="watch">Of the list.</param>
    internal void Remove(SessionWatch watch)
    {
        lock (_gate)
        {
            _watches.Remove(watch);
        }
    }

    /// <summary>Starts a replication.</summary>
    /// <param name="options">What, where to, how eagerly.</param>
    /// <param name="observation">How its process can be watched from outside.</param>
    /// <param name="psHome">The engine's folder.</param>
    /// <param name="cancellationToken">Gives up and stops it again.</param>
    /// <exception cref="LitestreamException">It cannot start, or was refused.</exception>
    internal async Task<SessionReplication> StartAsync(
        ReplicationOptions options, ObservationOptions observation, string psHome, CancellationToken cancellationToken)
    {
        WorkerProcess worker = await AcquireWorkerAsync(psHome, cancellationToken).ConfigureAwait(false);
        int key = Interlocked.Increment(ref _lastKey);
        try
        {
            await MakeRoomAsync(options.DatabasePath, cancellationToken).ConfigureAwait(false);
            IReadOnlyDictionary<int, ReplicationStatus> answer = await worker.AskAsync(
                WorkerRequestKind.Start,
                request => request with { Key = key, Options = options, Observation = observation, Limit = StartPatience },
                cancellationToken).ConfigureAwait(false);
            SessionReplication started = new(key, worker, answer[key]);
            lock (_gate)
            {
                _replications.Add(started);
            }

            return started;
        }
        catch (Exception exception)
        {
            if (exception is OperationCanceledException)
            {
                // It may be on its way already.
                _ = worker.AskAsync(WorkerRequestKind.Stop, request => request with { Key = key }, CancellationToken.None)
                    .ContinueWith(task => _ = task.Exception, TaskScheduler.Default);
            }

            await ReleaseWorkerAsync(worker).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>All replications as they are now, in the order in which they were started.</summary>
    /// <param name="cancellationToken">Gives up waiting for the worker.</param>
    internal async Task<IReadOnlyList<SessionReplication>> ListAsync(CancellationToken cancellationToken)
    {
        List<SessionReplication> list;
        lock (_gate)
        {
            list = [.. _replications];
        }

        foreach (IGrouping<WorkerProcess, SessionReplication> group in list.GroupBy(replication => replication.Worker))
        {
            await RefreshAsync(group.Key, group, cancellationToken).ConfigureAwait(false);
        }

        return list;
    }

    /// <summary>Does a last sync, ends a replication and takes it off the list; the worker too if it was the last one.</summary>
    /// <param name="replication">Of the list.</param>
    /// <param name="limit">How long the last sync may take.</param>
    /// <param name="cancellationToken">Gives up waiting; it ends all the same.</param>
    /// <returns>Its last status.</returns>
    internal async Task<SqliteReplication> StopAsync(SessionReplication replication, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (replication.Worker.EndMessage is null)
        {
            try
            {
                IReadOnlyDictionary<int, ReplicationStatus> answer = await replication.Worker.AskAsync(
                    WorkerRequestKind.Stop,
                    request => request with { Key = replication.Key, Limit = limit },
                    cancellationToken).ConfigureAwait(false);
                replication.Update(answer[replication.Key]);
            }
            catch (ReplicationException exception) when (exception.ErrorId == ErrorTable.WorkerEnded)
            {
                // Nothing is left to stop; the status says how it ended.
            }
        }

        bool removed;
        lock (_gate)
        {
            removed = _replications.Remove(replication);
        }

        if (removed)
        {
            await ReleaseWorkerAsync(replication.Worker).ConfigureAwait(false);
        }

        return replication.ToOutput();
    }

    private static async Task RefreshAsync(
        WorkerProcess worker, IEnumerable<SessionReplication> replications, CancellationToken cancellationToken)
    {
        if (worker.EndMessage is not null)
        {
            return;
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StatusLimit);
        try
        {
            IReadOnlyDictionary<int, ReplicationStatus> statuses =
                await worker.AskAsync(WorkerRequestKind.Status, null, limit.Token).ConfigureAwait(false);
            foreach (SessionReplication replication in replications)
            {
                if (statuses.TryGetValue(replication.Key, out ReplicationStatus? status))
                {
                    replication.Update(status);
                }
            }
        }
        catch (ReplicationException exception) when (exception.ErrorId == ErrorTable.WorkerEnded)
        {
            // What it was replicating shows as faulted from here on.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ReplicationException(
                ErrorTable.TimedOut,
                $"The worker process {worker.ProcessId} has not answered for {StatusLimit.TotalSeconds:0} s. Whether it still replicates is not "
                + "known. If it does not recover, end it: the database is untouched, and a new start continues.");
        }
    }

    /// <summary>Refuses a second replication of a database; takes one that has ended off the list.</summary>
    private async Task MakeRoomAsync(string path, CancellationToken cancellationToken)
    {
        foreach (SessionReplication other in await ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!DatabasePaths.Same(other.Path, path))
            {
                continue;
            }

            if (other.ToOutput() is { State: not (ReplicationState.Faulted or ReplicationState.Stopped) } running)
            {
                throw new ReplicationException(
                    "DatabaseInUse",
                    $"'{path}' is already replicated to '{running.Destination}' by this session. That goes on undisturbed. "
                    + "To replicate it elsewhere, stop it first with Stop-SqliteReplication.")
                {
                    Database = path,
                };
            }

            await StopAsync(other, TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<WorkerProcess> AcquireWorkerAsync(string psHome, CancellationToken cancellationToken)
    {
        await _workerGate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_worker is not { EndMessage: null })
            {
                _worker = await WorkerProcess.StartAsync(WorkerExecutable.Find(psHome), cancellationToken).ConfigureAwait(false);
                _workerUses = 0;
            }

            _workerUses++;
            return _worker;
        }
        finally
        {
            _workerGate.Release();
        }
    }

    private async Task ReleaseWorkerAsync(WorkerProcess worker)
    {
        await _workerGate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (worker == _worker && --_workerUses == 0)
            {
                _worker = null;
                await worker.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _workerGate.Release();
        }
    }
}
