using System.Diagnostics;

namespace Litestream.Tests.Soak;

/// <summary>
/// One fault after another, drawn from a seed: which, how long and when depends on nothing else. After each the replicator must
/// recover in time before the next one comes.
/// </summary>
internal sealed class ChaosPlan(
    IReadOnlyList<IFault> faults, ISubject subject, IReadOnlyList<SoakedDatabase> databases, Disturbances disturbances, SoakLog log, ChaosPace pace, int seed)
{
    private static readonly TimeSpan SyncTurn = TimeSpan.FromSeconds(2);

    private readonly Random _random = new(seed ^ 0xC4A05);
    private readonly List<FaultRecord> _done = [];
    private readonly long _begin = TimeProvider.System.GetTimestamp();

    /// <summary>What was done so far.</summary>
    public IReadOnlyList<FaultRecord> Done
    {
        get
        {
            lock (_done)
            {
                return [.. _done];
            }
        }
    }

    /// <summary>Breaks things until it is told to end; what is broken then is mended.</summary>
    /// <exception cref="SoakFailure">The replicator has not recovered in time.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        while (faults.Count > 0)
        {
            // Each comes once before any comes again.
            IFault[] round = [.. faults];
            _random.Shuffle(round);
            foreach (IFault fault in round)
            {
                // The lots are drawn before anything happens that takes time.
                TimeSpan pause = pace.Calm * (0.4 + Math.Min(-Math.Log(1 - _random.NextDouble()), 5));
                TimeSpan length = TimeSpan.FromSeconds(2) + (pace.LongestFault * _random.NextDouble());
                Random draw = new(_random.Next());
                await Task.Delay(pause, stop);
                await DoAsync(fault, length, draw, stop);
            }
        }
    }

    private async Task DoAsync(IFault fault, TimeSpan length, Random draw, CancellationToken stop)
    {
        double begin = Seconds;
        string? detail;
        using (disturbances.Begin(fault.Name, fault.Excuses))
        {
            log.Write("fault", new { fault.Name, lengthSeconds = Math.Round(length.TotalSeconds, 1) });
            detail = await fault.RunAsync(draw, length, stop);
        }

        double end = Seconds;
        await RecoverAsync(fault, stop);
        double recovered = Seconds;
        lock (_done)
        {
            _done.Add(new FaultRecord(fault.Name, detail, begin, end, recovered));
        }

        log.Write("recovered", new { fault.Name, detail, seconds = Math.Round(end - begin, 2), recoverySeconds = Math.Round(recovered - end, 2) });
    }

    private double Seconds => TimeProvider.System.GetElapsedTime(_begin).TotalSeconds;

    private async Task RecoverAsync(IFault fault, CancellationToken stop)
    {
        Stopwatch waited = Stopwatch.StartNew();
        foreach (SoakedDatabase database in databases)
        {
            while (await subject.SyncAsync(database, SyncTurn, stop) is null)
            {
                if (waited.Elapsed > pace.RecoveryBound)
                {
                    throw new SoakFailure("recovery", $"{database.Name}: {waited.Elapsed.TotalSeconds:0} s after '{fault.Name}' was over, not everything committed is in the replica; the bound is {pace.RecoveryBound.TotalSeconds:0} s.");
                }

                await Task.Delay(200, stop);
            }
        }
    }
}
