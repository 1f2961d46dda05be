using System.Management.Automation;
using Litestream.Restoration;

namespace Litestream.PowerShell.Commands;

/// <summary>Turns reports of bytes done into progress records, from one second on and at most five times a second.</summary>
internal sealed class TransferProgress : IProgress<RestoreProgress>
{
    private const int ActivityId = 0x4c53;
    private const int Percent = 100;

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly CmdletPipeline _pipeline;
    private readonly string _activity;
    private readonly Lock _gate = new();
    private readonly long _startedAt = TimeProvider.System.GetTimestamp();
    private TimeSpan _next = Silence;
    private bool _shown;

    /// <summary>Begins to count the time.</summary>
    /// <param name="pipeline">Where the records go.</param>
    /// <param name="activity">What is being done, as the user would say it.</param>
    internal TransferProgress(CmdletPipeline pipeline, string activity)
    {
        _pipeline = pipeline;
        _activity = activity;
    }

    /// <inheritdoc/>
    public void Report(RestoreProgress value)
    {
        TimeSpan elapsed = TimeProvider.System.GetElapsedTime(_startedAt);
        lock (_gate)
        {
            if (elapsed < _next)
            {
                return;
            }

            _next = elapsed + Interval;
            _shown = true;
        }

        ProgressRecord record = new(ActivityId, _activity, Status(value));
        if (value.BytesTotal > 0)
        {
            double done = Math.Clamp((double)value.BytesDone / value.BytesTotal, 0, 1);
            record.PercentComplete = (int)(done * Percent);
            if (done > 0)
            {
                record.SecondsRemaining = (int)Math.Min(elapsed.TotalSeconds * (1 - done) / done, int.MaxValue);
            }
        }

        _pipeline.WriteProgress(record);
    }

    /// <summary>Takes the progress away, if any was shown.</summary>
    internal void Complete()
    {
        lock (_gate)
        {
            if (_shown)
            {
                _pipeline.WriteProgress(new ProgressRecord(ActivityId, _activity, "Done") { RecordType = ProgressRecordType.Completed });
            }
        }
    }

    private static string Status(RestoreProgress value) => value.BytesTotal > 0
        ? $"{value.Phase}, {Readable.Size(value.BytesDone)} of {Readable.Size(value.BytesTotal)}"
        : value.Phase;
}
