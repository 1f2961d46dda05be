using System.Management.Automation;
using Litestream.PowerShell.Observation;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Commands;

/// <summary>
/// <c>Start-SqliteReplication -AsJob</c>: replications of this session as a job of PowerShell. Receive-Job gets an object whenever a state
/// changes, warnings and errors; Stop-Job does a last sync. The job has failed when one of its replications has ended by an error.
/// </summary>
internal sealed class ReplicationJob : Job
{
    private readonly ReplicationOptions[] _wanted;
    private readonly ObservationOptions _observation;
    private readonly string _psHome;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, SqliteReplication> _last = [];
    private Task _run = Task.CompletedTask;

    /// <summary>Prepares it.</summary>
    /// <param name="command">The line that made it.</param>
    /// <param name="wanted">What to replicate.</param>
    /// <param name="observation">How its process can be watched from outside.</param>
    /// <param name="psHome">The engine's folder.</param>
    internal ReplicationJob(string command, ReplicationOptions[] wanted, ObservationOptions observation, string psHome)
        : base(command)
    {
        (_wanted, _observation, _psHome) = (wanted, observation, psHome);
        PSJobTypeName = "SqliteReplication";
        SetJobState(JobState.NotStarted);
    }

    /// <inheritdoc/>
    public override bool HasMoreData => Output.Count > 0 || Error.Count > 0 || Warning.Count > 0;

    /// <inheritdoc/>
    public override string Location => Environment.MachineName;

    /// <inheritdoc/>
    public override string StatusMessage
    {
        get
        {
            lock (_last)
            {
                return string.Join(", ", _last.Values.Select(last => $"{System.IO.Path.GetFileName(last.Path)}: {last.State}"));
            }
        }
    }

    /// <inheritdoc/>
    public override void StopJob()
    {
        _stop.Cancel();
        _run.GetAwaiter().GetResult();
    }

    /// <summary>Begins, in the background.</summary>
    internal void Begin()
    {
        SetJobState(JobState.Running);
        _run = Task.Run(RunAsync);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            StopJob();
            _stop.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task RunAsync()
    {
        List<SessionReplication> started = [];
        bool failed = false;
        try
        {
            foreach (ReplicationOptions options in _wanted)
            {
                try
                {
                    started.Add(await SessionReplications.Current.StartAsync(options, _observation, _psHome, _stop.Token).ConfigureAwait(false));
                }
                catch (LitestreamException exception)
                {
                    failed = true;
                    Error.Add(ErrorTable.Record(exception, options.DatabasePath));
                }
            }

            while (started.Any(IsRunning))
            {
                started.ForEach(Note);
                await Task.Delay(StatusWatch.Interval, _stop.Token).ConfigureAwait(false);
                await SessionReplications.Current.ListAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stop-Job: the last sync is below.
        }
        catch (LitestreamException exception)
        {
            failed = true;
            Error.Add(ErrorTable.Record(exception, null));
        }

        foreach (SessionReplication replication in started)
        {
            failed |= !await EndAsync(replication).ConfigureAwait(false);
        }

        SetJobState(failed ? JobState.Failed : _stop.IsCancellationRequested ? JobState.Stopped : JobState.Completed);
    }

    // True if everything is in the replica.
    private async Task<bool> EndAsync(SessionReplication replication)
    {
        SqliteReplication last = await SessionReplications.Current.StopAsync(
            replication, WorkerProtocol.LastSyncLimit, CancellationToken.None).ConfigureAwait(false);
        Note(last);
        if (LastSync.Shortfall(last) is not { } shortfall)
        {
            return true;
        }

        Error.Add(ErrorTable.Record(shortfall, last.Path));
        return false;
    }

    private static bool IsRunning(SessionReplication replication) =>
        replication.ToOutput().State is not (ReplicationState.Stopped or ReplicationState.Faulted);

    private void Note(SessionReplication replication) => Note(replication.ToOutput());

    private void Note(SqliteReplication now)
    {
        SqliteReplication? last;
        lock (_last)
        {
            last = _last.GetValueOrDefault(now.Path);
            _last[now.Path] = now;
        }

        if (now.LastErrorAt != last?.LastErrorAt && now is { LastError: { } error, State: not ReplicationState.Faulted })
        {
            Warning.Add(new WarningRecord($"{now.Path}: {error}"));
        }

        if (now.State != last?.State)
        {
            Output.Add(new PSObject(now));
        }
    }
}
