namespace Litestream.Replication;

/// <summary>A request with a result.</summary>
/// <typeparam name="T">What it gives.</typeparam>
/// <param name="work">What to do.</param>
internal sealed class CaptureRequest<T>(Func<CaptureSession, T> work) : ICaptureRequest
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it is done, or will not be.</summary>
    public Task<T> Result => _result.Task;

    /// <inheritdoc/>
    public void Run(CaptureSession session) => _result.TrySetResult(work(session));

    /// <inheritdoc/>
    public void Fail(Exception error) => _result.TrySetException(error);
}
