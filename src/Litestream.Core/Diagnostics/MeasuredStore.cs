using System.Diagnostics;
using System.Runtime.CompilerServices;
using Litestream.Ltx;
using Litestream.Storage;

namespace Litestream.Diagnostics;

/// <summary>A replica's store whose operations are counted and timed, each as an activity where somebody listens.</summary>
/// <param name="inner">The store; closed with this one.</param>
/// <param name="type">Kind of place, as in a metric's <c>replica_type</c>.</param>
internal sealed class MeasuredStore(IReplicaStore inner, string type) : IReplicaStore
{
    /// <inheritdoc/>
    public string Location => inner.Location;

    /// <inheritdoc/>
    public int Concurrency => inner.Concurrency;

    /// <summary>Opens a place and measures what is done there.</summary>
    /// <param name="place">The place.</param>
    public static IReplicaStore Open(ReplicaLocation place) => new MeasuredStore(place.Open(), place is S3Location ? "s3" : "file");

    /// <inheritdoc/>
    public async IAsyncEnumerable<ReplicaFile> ListAsync(int level, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using Measure measure = Begin("LIST", level);
        await foreach (ReplicaFile file in inner.ListAsync(level, cancellationToken).ConfigureAwait(false))
        {
            yield return file;
        }

        measure.Succeed();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ReplicaFile> ListRoughlyAsync(int level, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using Measure measure = Begin("LIST", level);
        await foreach (ReplicaFile file in inner.ListRoughlyAsync(level, cancellationToken).ConfigureAwait(false))
        {
            yield return file;
        }

        measure.Succeed();
    }

    /// <inheritdoc/>
    public Task<DateTimeOffset> TimeOfAsync(ReplicaFile file, CancellationToken cancellationToken) => inner.TimeOfAsync(file, cancellationToken);

    /// <inheritdoc/>
    public Task<Stream> OpenReadAsync(int level, LtxFileName name, long offset, long? length, CancellationToken cancellationToken) =>
        MeasureAsync("GET", level, async measure =>
        {
            Stream stream = await inner.OpenReadAsync(level, name, offset, length, cancellationToken).ConfigureAwait(false);
            return (Stream)new CountingStream(stream) { Closed = bytes => LitestreamMeter.CountRead(type, bytes) };
        });

    /// <inheritdoc/>
    public async Task PutInTurnAsync(
        int level,
        LtxFileName name,
        DateTimeOffset timestamp,
        long? length,
        Func<Stream, CancellationToken, Task> write,
        Task turn,
        CancellationToken cancellationToken)
    {
        using Measure measure = Begin("PUT", level);
        try
        {
            await inner.PutInTurnAsync(level, name, timestamp, length, WriteAsync, turn.IsCompleted ? turn : TurnAsync(), cancellationToken).ConfigureAwait(false);
            measure.Succeed();
        }
        catch (Exception e) when (turn.IsCompletedSuccessfully || !(turn.IsCompleted || cancellationToken.IsCancellationRequested))
        {
            measure.Fail(e); // and not one whose turn did not come: that failure is another's, and counted there
            throw;
        }

        async Task WriteAsync(Stream stream, CancellationToken stop)
        {
            CountingStream counting = new(stream);
            await write(counting, stop).ConfigureAwait(false);
            measure.Bytes = counting.Count;
        }

        async Task TurnAsync()
        {
            await turn.ConfigureAwait(false);
            measure.BeginAnew(); // the time before is not the place's
        }
    }

    /// <inheritdoc/>
    public Task CopyAsync(int fromLevel, int toLevel, LtxFileName name, DateTimeOffset timestamp, CancellationToken cancellationToken) =>
        MeasureAsync("COPY", toLevel, async measure =>
        {
            await inner.CopyAsync(fromLevel, toLevel, name, timestamp, cancellationToken).ConfigureAwait(false);
            return true;
        });

    /// <inheritdoc/>
    public Task DeleteAsync(int level, LtxFileName name, CancellationToken cancellationToken) => MeasureAsync("DELETE", level, async measure =>
    {
        await inner.DeleteAsync(level, name, cancellationToken).ConfigureAwait(false);
        return true;
    });

    /// <inheritdoc/>
    public Task<IReplicaLease> AcquireAsync(ReplicaOwner owner, CancellationToken cancellationToken) => inner.AcquireAsync(owner, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async Task<T> MeasureAsync<T>(string operation, int level, Func<Measure, Task<T>> work)
    {
        using Measure measure = Begin(operation, level);
        try
        {
            T result = await work(measure).ConfigureAwait(false);
            measure.Succeed();
            return result;
        }
        catch (Exception e)
        {
            measure.Fail(e);
            throw;
        }
    }

    private Measure Begin(string operation, int level)
    {
        Activity? activity = LitestreamMeter.Activities.StartActivity($"{operation} level {level}", ActivityKind.Client);
        activity?.SetTag("litestream.replica", inner.Location);
        return new Measure(type, operation, activity);
    }

    /// <summary>One operation from begin to end. One that neither succeeds nor fails was given up by its caller, and counts as done.</summary>
    private sealed class Measure(string type, string operation, Activity? activity) : IDisposable
    {
        private long _begin = Stopwatch.GetTimestamp();
        private string? _error;

        public long Bytes { get; set; }

        public void BeginAnew() => _begin = Stopwatch.GetTimestamp();

        public void Succeed() => activity?.SetStatus(ActivityStatusCode.Ok);

        public void Fail(Exception error)
        {
            _error = (error as LitestreamException)?.ErrorId ?? error.GetType().Name;
            activity?.SetStatus(ActivityStatusCode.Error, _error);
        }

        public void Dispose()
        {
            LitestreamMeter.CountOperation(type, operation, Bytes, Stopwatch.GetElapsedTime(_begin), _error);
            activity?.Dispose();
        }
    }
}
