using Litestream.Replication;

namespace Litestream.Verification;

/// <summary>
/// Tests the replicas of a running replication to the depth of <see cref="VerificationDepth.Compare"/>, again and again, and writes what
/// came of it into the replication's status: not "it runs" but "it was restored, and was right, at …".
/// </summary>
/// <remarks>
/// Locks: a test pins the live database as any reader does, through SQLite, in this process or in another; it holds the pin only while it
/// reads the image, not while it restores. It takes no lease on the replica, for it writes nothing there. Of all replications in a process
/// one is tested at a time. A crash leaves a temporary copy behind, which the next test removes, and nothing else.
/// </remarks>
public sealed class ContinuousVerification : IAsyncDisposable
{
    private static readonly SemaphoreSlim OneAtATime = new(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly Replicator _replicator;
    private readonly ReplicationOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _run;

    private ContinuousVerification(Replicator replicator, ReplicationOptions options, Task streaming, TimeProvider time)
    {
        (_replicator, _options, _time) = (replicator, options, time);
        _run = Task.Run(() => RunAsync(streaming));
    }

    /// <summary>Begins as soon as the replication streams, and tests each destination that does, with a pause after each test.</summary>
    /// <param name="replicator">The replication.</param>
    /// <param name="options">Its options; without <see cref="ReplicationOptions.VerifyInterval"/> each is tested once.</param>
    /// <param name="streaming">What its start returned; if that fails there is nothing to test.</param>
    /// <param name="timeProvider">The clock; null for the system's.</param>
    public static ContinuousVerification Start(
        Replicator replicator, ReplicationOptions options, Task streaming, TimeProvider? timeProvider = null)
    {
        ArgumentNullException.ThrowIfNull(replicator);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(streaming);
        return new ContinuousVerification(replicator, options, streaming, timeProvider ?? TimeProvider.System);
    }

    /// <summary>Ends it; a test under way is given up and its temporary copy removed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task RunAsync(Task streaming)
    {
        await streaming.WaitAsync(_end.Token).ConfigureAwait(false);
        await Task.WhenAll(Enumerable.Range(0, _options.Destinations.Count).Select(RunAsync)).ConfigureAwait(false);
    }

    private async Task RunAsync(int destination)
    {
        while (!_replicator.Completion.IsCompleted)
        {
            // One that does not stream is behind or away: its state says so, and a test would prove nothing.
            if (!Streams(destination))
            {
                await Task.Delay(LookInterval, _time, _end.Token).ConfigureAwait(false);
                continue;
            }

            await OneAtATime.WaitAsync(_end.Token).ConfigureAwait(false);
            try
            {
                await TestAsync(destination).ConfigureAwait(false);
            }
            finally
            {
                OneAtATime.Release();
            }

            await Task.Delay(_options.VerifyInterval ?? Timeout.InfiniteTimeSpan, _time, _end.Token).ConfigureAwait(false);
        }
    }

    private bool Streams(int destination) =>
        _replicator.Status.Destinations[destination] is { State: ReplicationState.Streaming or ReplicationState.Damaged, ReplicaTxid: > 0 };

    private async Task TestAsync(int destination)
    {
        VerificationOptions test = new()
        {
            Source = _options.Destinations[destination],
            DatabasePath = _options.DatabasePath,
            Depth = VerificationDepth.Compare,
            BesideReplicator = true,
        };
        try
        {
            VerificationReport report = await ReplicaVerifier.VerifyAsync(test, new RestingProgress(_end.Token), _end.Token).ConfigureAwait(false);
            string error = string.Join(' ', report.Findings.Select(finding => finding.Message));
            _replicator.NoteVerification(destination, report.Outcome, report.Txid, error.Length == 0 ? null : error);
        }
        catch (Exception e) when (!_end.IsCancellationRequested)
        {
            // A full disk under the temporary copy, for instance: nothing was proven, and the status says why.
            _replicator.NoteVerification(destination, VerificationOutcome.Inconclusive, 0, e.Message);
        }
    }
}
