using System.Management.Automation;

namespace Litestream.PowerShell.Commands;

/// <summary>Shows progress of what takes longer than a second, at most five times a second, until it is done. Thread-safe.</summary>
/// <param name="pipeline">Where the records go.</param>
/// <param name="activity">What is being done, as the user would say it.</param>
internal sealed class PatientProgress(CmdletPipeline pipeline, string activity) : IDisposable
{
    private const int ActivityId = 0x4c53;
    private const int Percent = 100;

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly long _startedAt = TimeProvider.System.GetTimestamp();
    private TimeSpan _next = Silence;
    private bool _shown;

    /// <summary>How long it has taken so far.</summary>
    internal TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_startedAt);

    /// <summary>Shows how far it is, unless that was shown just now.</summary>
    /// <param name="status">In a few words.</param>
    /// <param name="done">The part that is done, 0 to 1; null if nobody can tell.</param>
    internal void Report(string status, double? done = null)
    {
        TimeSpan elapsed = Elapsed;
        lock (_gate)
        {
            if (elapsed < _next)
            {
                return;
            }

            _next = elapsed + Interval;
            _shown = true;
        }

        ProgressRecord record = new(ActivityId, activity, status);
        if (done is { } part)
        {
            part = Math.Clamp(part, 0, 1);
            record.PercentComplete = (int)(part * Percent);
            if (part > 0)
            {
                record.SecondsRemaining = (int)Math.Min(elapsed.TotalSeconds * (1 - part) / part, int.MaxValue);
            }
        }

        pipeline.WriteProgress(record);
    }

    /// <summary>Waits for work that does not report by itself, and shows how far it is.</summary>
    /// <param name="work">What is awaited.</param>
    /// <param name="place">How far it is: in a few words, and the part that is done, if it can be told.</param>
    internal async Task<T> WhileAsync<T>(Task<T> work, Func<(string Status, double? Done)> place)
    {
        using CancellationTokenSource ended = new();
        while (await Task.WhenAny(work, Task.Delay(Interval, ended.Token)).ConfigureAwait(false) != work)
        {
            (string status, double? done) = place();
            Report(status, done);
        }

        await ended.CancelAsync().ConfigureAwait(false);
        return await work.ConfigureAwait(false);
    }

    /// <summary>Takes the progress away, if any was shown.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_shown)
            {
                pipeline.WriteProgress(new ProgressRecord(ActivityId, activity, "Done") { RecordType = ProgressRecordType.Completed });
            }
        }
    }
}
