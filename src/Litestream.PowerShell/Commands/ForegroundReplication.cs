using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Litestream.PowerShell.Control;
using Litestream.PowerShell.Observation;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <c>Start-SqliteReplication -Wait</c>: replicates in this process until the pipeline stops or SIGTERM comes, then does a last sync.
/// What happens meanwhile is verbose output, what goes wrong a warning, what has ended by an error one.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A run lets go of what it holds at its end, and there is one run.")]
internal sealed class ForegroundReplication
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FolderInterval = TimeSpan.FromSeconds(10);

    private readonly CmdletPipeline _pipeline;
    private readonly ReplicationOptions[] _options;
    private readonly DirectoryReplication[] _directories;
    private readonly ObservationOptions _observation;
    private readonly HostedReplications _replications = new();
    private readonly Lock _gate = new();
    private readonly List<Watched> _list = [];
    private readonly HashSet<string> _told = [];
    private int _lastKey;

    /// <summary>Prepares it; nothing is opened yet.</summary>
    /// <param name="pipeline">Where the messages go.</param>
    /// <param name="all">What to replicate.</param>
    /// <param name="directories">Folders whose databases are to be replicated as they come and go.</param>
    /// <param name="observation">How it can be watched from outside.</param>
    internal ForegroundReplication(
        CmdletPipeline pipeline, IEnumerable<ReplicationOptions> all, IEnumerable<DirectoryReplication> directories, ObservationOptions observation)
    {
        _directories = [.. directories];
        _observation = observation;
        _pipeline = pipeline;
        _options = [.. all];
    }

    /// <summary>Replicates until told to end, or until nothing is left that runs.</summary>
    /// <param name="stop">Ctrl-C.</param>
    internal async Task RunAsync(CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using TerminationSignals signals = new(end.Cancel, ignoreInterrupt: false);
        await using ConfiguredAsyncDisposable letGo = _replications.ConfigureAwait(false);
        _replications.Observers.Open(_observation);
        DatabaseWatch[] folders = [.. _directories.Select(Watch)];
        try
        {
            foreach (ReplicationOptions options in _options)
            {
                Begin(options);
            }

            foreach (DatabaseWatch folder in folders)
            {
                await folder.StartAsync(end.Token).ConfigureAwait(false);
            }

            ControlServer control = ControlServer.Open(_replications);
            await using (control.ConfigureAwait(false))
            {
                await WatchAsync(folders, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Told to end: the last sync is below.
        }
        finally
        {
            await Task.WhenAll(folders.Select(folder => folder.DisposeAsync().AsTask())).ConfigureAwait(false);
            await Task.WhenAll(All.Select(StopAsync)).ConfigureAwait(false);
        }

        foreach (Watched watched in All.Where(watched => !watched.Ended))
        {
            if (LastSync.Shortfall(SqliteReplication.From(watched.Last!, Environment.ProcessId)) is { } shortfall)
            {
                await _pipeline.WriteErrorAsync(ErrorTable.Record(shortfall, watched.Replication.Path), stop).ConfigureAwait(false);
            }
        }
    }

    private Watched[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _list];
            }
        }
    }

    private DatabaseWatch Watch(DirectoryReplication directory) => new(
        directory.Folder,
        (database, _) =>
        {
            Begin(directory.Options(database) with { WaitForDatabase = false });
            return Task.CompletedTask;
        },
        EndGoneAsync,
        FolderInterval);

    private void Begin(ReplicationOptions options)
    {
        int key = Interlocked.Increment(ref _lastKey);
        Watched watched = new(_replications.Start(key, options), key);
        lock (_gate)
        {
            _list.Add(watched);
        }
    }

    private async Task EndGoneAsync(string database)
    {
        Watched? gone;
        lock (_gate)
        {
            gone = _list.Find(watched => DatabasePaths.Same(watched.Replication.Path, database));
            _ = gone is not null && _list.Remove(gone);
        }

        if (gone is not null)
        {
            ReplicationStatus last = await gone.Replication.StopAsync(WorkerProtocol.LastSyncLimit).ConfigureAwait(false);
            await _replications.ForgetAsync(gone.Key).ConfigureAwait(false);
            await _pipeline.WriteVerboseAsync(
                FormattableString.Invariant($"{database} is gone; {last.Destination} keeps it as of TXID {last.ReplicaTxid}."),
                CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task WatchAsync(DatabaseWatch[] folders, CancellationToken end)
    {
        while (folders.Length > 0 || Array.Exists(All, watched => !watched.Ended))
        {
            foreach (string trouble in folders.Select(folder => folder.Trouble).OfType<string>().Where(_told.Add))
            {
                await _pipeline.WriteWarningAsync(trouble, end).ConfigureAwait(false);
            }

            foreach (Watched watched in All)
            {
                // Another session may have resumed what had ended by an error.
                watched.Ended &= HasEnded(_replications.Status(watched.Replication), watched);
                if (!watched.Ended)
                {
                    await ReportAsync(watched, end).ConfigureAwait(false);
                }
            }

            await Task.Delay(LookInterval, end).ConfigureAwait(false);
        }
    }

    private async Task ReportAsync(Watched watched, CancellationToken end)
    {
        if (watched.Replication.Starting.IsFaulted && watched.Last is null or { State: ReplicationState.Starting })
        {
            watched.Ended = true;
            await _pipeline.WriteErrorAsync(ErrorTable.Record(watched.Replication.Starting.Exception, watched.Replication.Path), end).ConfigureAwait(false);
            return;
        }

        ReplicationStatus status = _replications.Status(watched.Replication);
        if (HasEnded(status, watched))
        {
            // By an error, or because another session has stopped it.
            watched.Ended = true;
            if (LastSync.Shortfall(SqliteReplication.From(status, Environment.ProcessId)) is { } shortfall)
            {
                await _pipeline.WriteErrorAsync(ErrorTable.Record(shortfall, watched.Replication.Path), end).ConfigureAwait(false);
            }

            return;
        }

        if (StatusWatch.NewError(watched.Last, status) is { } error)
        {
            await _pipeline.WriteWarningAsync($"{status.DatabasePath}: {error}", end).ConfigureAwait(false);
        }

        if (status.LastVerifyError is { } doubt && doubt != watched.Last?.LastVerifyError)
        {
            await _pipeline.WriteWarningAsync($"{status.DatabasePath}: {doubt}", end).ConfigureAwait(false);
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

    private static bool HasEnded(ReplicationStatus status, Watched watched) =>
        status.State is ReplicationState.Stopped or ReplicationState.Faulted && watched.Replication.Starting.IsCompleted;

    private static async Task StopAsync(Watched watched)
    {
        watched.Last = await watched.Replication.StopAsync(WorkerProtocol.LastSyncLimit).ConfigureAwait(false);
        await watched.Replication.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class Watched(HostedReplication replication, int key)
    {
        internal int Key => key;

        internal HostedReplication Replication => replication;

        internal ReplicationStatus? Last { get; set; }

        /// <summary>What is to be heard once was written.</summary>
        internal bool Noticed { get; set; }

        /// <summary>It has ended, and what is to be said of that was written.</summary>
        internal bool Ended { get; set; }
    }
}
