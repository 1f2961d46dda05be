using Litestream.Restoration;

namespace Litestream.PowerShell.Commands;

/// <summary>Turns reports of bytes done into progress: how much of how much, how fast, and how long it will still take.</summary>
/// <param name="pipeline">Where the records go.</param>
/// <param name="activity">What is being done, as the user would say it.</param>
internal sealed class TransferProgress(CmdletPipeline pipeline, string activity) : IProgress<RestoreProgress>, IDisposable
{
    private readonly PatientProgress _progress = new(pipeline, activity);
    private volatile Place _last = new("Looking at the replica", null);

    /// <inheritdoc/>
    public void Report(RestoreProgress value)
    {
        bool known = value.BytesTotal > 0;
        string bytes = known
            ? $", {Readable.Size(value.BytesDone)} of {Readable.Size(value.BytesTotal)}, {Readable.Rate(value.BytesDone, _progress.Elapsed)}" : "";
        _last = new Place(value.Phase + bytes, known ? (double)value.BytesDone / value.BytesTotal : null);
        _progress.Report(_last.Status, _last.Done);
    }

    /// <summary>Waits for work that reports here; also while it reports nothing, it is seen to go on.</summary>
    /// <param name="work">What is awaited.</param>
    internal Task<T> WhileAsync<T>(Task<T> work) => _progress.WhileAsync(work, () => (_last.Status, _last.Done));

    /// <summary>Takes the progress away, if any was shown.</summary>
    public void Dispose() => _progress.Dispose();

    private sealed record Place(string Status, double? Done);
}
