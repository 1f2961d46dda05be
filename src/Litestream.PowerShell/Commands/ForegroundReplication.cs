using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <c>Start-SqliteReplication -Wait</c>: replicates in this process until the pipeline stops or SIGTERM comes, then does a last sync.
/// What happens meanwhile is verbose output, what goes wrong a warning, what has ended for good an error.
/// </summary>
internal sealed class ForegroundReplication
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly CmdletPipeline _pipeline;
    private readonly Watched[] _all;

    /// <summary>Prepares it; nothing is opened yet.</summary>
    /// <param name="pipeline">Where the messages go.</param>
    /// <param name="all">What to replicate.</param>
    internal ForegroundReplication(CmdletPipeline pipeline, IEnumerable<ReplicationOptions> all)
    {
        _pipeline = pipeline;
        _all = [.. all.Select(options => new Watched(new Replicator(options), options.DatabasePath))];
    }

    /// <summary>Replicates until told to end, or until nothing is left that runs.</summary>
    /// <param name="stop">Ctrl-C.</param>
    internal async Task RunAsync(CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using TerminationSignals signals = new(end.Cancel, ignoreInterrupt: false);
        try
        {
            foreach (Watched watched in _all)
            {
                watched.Starting = Task.Run(() => watched.Replicator.StartAsync(end.Token), CancellationToken.None);
            }

            await WatchAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Told to end: the last sync is below.
        }
        finally
        {
            await Task.WhenAll(_all.Select(StopAsync)).ConfigureAwait(false);
        }

        foreach (Watched watched in _all.Where(watched => !watched.Reported))
        {
            if (LastSync.Shortfall(SqliteReplication.From(watched.Last!, Environment.ProcessId)) is { } shortfall)
            {
                await _pipeline.WriteErrorAsync(ErrorTable.Record(shortfall, watched.Path), stop).ConfigureAwait(false);
            }
        }
    }

    private async Task WatchAsync(CancellationToken end)
    {
        while (_all.Any(watched => !watched.Reported))
        {
            foreach (Watched watched in _all.Where(watched => !watched.Reported))
            {
                await ReportAsync(watched, end).ConfigureAwait(false);
            }

            await Task.Delay(LookInterval, end).ConfigureAwait(false);
        }
    }

    private async Task ReportAsync(Watched watched, CancellationToken end)
    {
        if (watched.Starting.IsFaulted)
        {
            watched.Reported = true;
            await _pipeline.WriteErrorAsync(ErrorTable.Record(watched.Starting.Exception, watched.Path), end).ConfigureAwait(false);
            return;
        }

        ReplicationStatus status = watched.Replicator.Status;
        if (status.State == ReplicationState.Faulted && watched.Starting.IsCompleted)
        {
            watched.Reported = true;
            ReplicationException fault = LastSync.Shortfall(SqliteReplication.From(status, Environment.ProcessId))!;
            await _pipeline.WriteErrorAsync(ErrorTable.Record(fault, watched.Path), end).ConfigureAwait(false);
            return;
        }

        if (status.LastErrorAt != watched.Last?.LastErrorAt && status.LastError is { } error)
        {
            await _pipeline.WriteWarningAsync($"{status.DatabasePath}: {error}", end).ConfigureAwait(false);
        }

        if (status.State != watched.Last?.State || status.Detail != watched.Last.Detail)
        {
            string detail = status.Detail is { } text ? $" ({text})" : "";
            await _pipeline.WriteVerboseAsync(
                $"{status.DatabasePath} -> {status.Destination}: {status.State}{detail}", end).ConfigureAwait(false);
        }

        if (status.State == ReplicationState.Streaming && !watched.Noticed)
        {
            watched.Noticed = true;
            await Notices.WriteAsync(_pipeline, status, end).ConfigureAwait(false);
        }

        watched.Last = status;
    }

    private static async Task StopAsync(Watched watched)
    {
        watched.Last = await OrderlyEnd.StopAsync(watched.Replicator, WorkerProtocol.LastSyncLimit).ConfigureAwait(false);
        await watched.Replicator.DisposeAsync().ConfigureAwait(false);
        await watched.Starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private sealed class Watched(Replicator replicator, string path)
    {
        internal Replicator Replicator => replicator;

        internal string Path => path;

        internal Task Starting { get; set; } = Task.CompletedTask;

        internal ReplicationStatus? Last { get; set; }

        /// <summary>What is to be heard once was written.</summary>
        internal bool Noticed { get; set; }

        /// <summary>It has ended by an error, and that was written.</summary>
        internal bool Reported { get; set; }
    }
}
