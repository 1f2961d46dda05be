using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary><c>Start-SqliteReplication -Once</c>: brings replicas up to date, one after the other, in this process.</summary>
/// <param name="pipeline">Where results and errors go.</param>
/// <param name="patience">How long something may fail before the run is given up.</param>
internal sealed class SingleReplication(CmdletPipeline pipeline, TimeSpan patience)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs them all; a failure is an error and the next one has its turn.</summary>
    /// <param name="all">What to replicate.</param>
    /// <param name="stop">Ends the run.</param>
    internal async Task RunAsync(IEnumerable<ReplicationOptions> all, CancellationToken stop)
    {
        foreach (ReplicationOptions options in all)
        {
            try
            {
                SqliteReplicationRun run = await RunAsync(options, stop).ConfigureAwait(false);
                await pipeline.WriteObjectAsync(run, stop).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                await pipeline.WriteErrorAsync(ErrorTable.Record(exception, options.DatabasePath), stop).ConfigureAwait(false);
            }
        }
    }

    private async Task<SqliteReplicationRun> RunAsync(ReplicationOptions options, CancellationToken stop)
    {
        long startedAt = TimeProvider.System.GetTimestamp();
        Replicator replicator = new(options);
        await using (replicator.ConfigureAwait(false))
        {
            using CancellationTokenSource giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Task<ReplicationStatus> catchingUp = CatchUpAsync(replicator, giveUp.Token);
            while (await Task.WhenAny(catchingUp, Task.Delay(LookInterval, stop)).ConfigureAwait(false) != catchingUp)
            {
                stop.ThrowIfCancellationRequested();
                if (HasFailedTooLong(replicator.Status))
                {
                    await giveUp.CancelAsync().ConfigureAwait(false);
                    await ((Task)catchingUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw GivenUp(replicator.Status);
                }
            }

            ReplicationStatus last = await catchingUp.ConfigureAwait(false);
            await Notices.WriteAsync(pipeline, last, stop).ConfigureAwait(false);
            return LastSync.Shortfall(SqliteReplication.From(last, Environment.ProcessId)) is { } shortfall
                ? throw shortfall
                : SqliteReplicationRun.From(last, TimeProvider.System.GetElapsedTime(startedAt));
        }
    }

    private static async Task<ReplicationStatus> CatchUpAsync(Replicator replicator, CancellationToken stop)
    {
        await replicator.StartAsync(stop).ConfigureAwait(false);
        await replicator.SyncAsync(stop).ConfigureAwait(false);
        return await OrderlyEnd.StopAsync(replicator, WorkerProtocol.LastSyncLimit).ConfigureAwait(false);
    }

    private bool HasFailedTooLong(ReplicationStatus status) =>
        status.State == ReplicationState.Retrying && TimeProvider.System.GetUtcNow() - status.Since > patience;

    private ReplicationException GivenUp(ReplicationStatus status) => new(
        status.LastErrorId ?? ErrorTable.TimedOut,
        $"Given up after {Readable.Duration(patience)} of trying: {status.LastError} What was captured is kept beside the database and "
        + "goes up at the next run.")
    {
        Database = status.DatabasePath,
        Replica = status.Destination,
    };
}
