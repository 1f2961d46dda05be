using System.Net;
using Amazon.Runtime;
using Amazon.S3.Internal;
using Amazon.S3.Model;

namespace Litestream.Storage;

/// <summary>
/// When a request is made again: after whatever may pass, with growing pauses of random length, until a time budget is spent. The SDK
/// knows which answers may pass and corrects the clock once where the service names its own.
/// <para>
/// The budget is half of a lease (<see cref="S3Lease.Duration"/>), and a writer's lease has two thirds to go when a request is first made. So
/// none is begun after the lease may be another's; what still fails then goes to the caller, who shows it and begins again.
/// </para>
/// <para>
/// One that waits for its turn (<see cref="S3HeldContent"/>) is not made again: its file is sent anew when the turn has come, with a budget of its own.
/// </para>
/// </summary>
/// <param name="config">The client's settings.</param>
/// <param name="pace">The client's.</param>
/// <param name="time">The clock.</param>
internal sealed class S3RetryPolicy(IClientConfig config, S3Pace pace, TimeProvider time) : AmazonS3StandardRetryPolicy(config)
{
    /// <summary>No request is begun again later than this after it was first made.</summary>
    public static readonly TimeSpan Budget = S3Lease.Duration / 2;

    private const string Began = "litestream-began";
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);

    public override async Task ObtainSendTokenAsync(IExecutionContext executionContext, Exception exception)
    {
        IRequestContext request = executionContext.RequestContext;
        request.ContextAttributes.TryAdd(Began, time.GetTimestamp());
        if (exception is not null && IsAskedForFewer(exception))
        {
            pace.Slow();
        }

        await pace.WaitAsync(request.CancellationToken).ConfigureAwait(false);
    }

    public override async Task<bool> RetryForExceptionAsync(IExecutionContext executionContext, Exception exception)
    {
        if (executionContext.RequestContext.OriginalRequest is PutObjectRequest { InputStream: S3HeldContent })
        {
            if (IsAskedForFewer(exception))
            {
                pace.Slow();
            }

            return false;
        }

        bool mayPass = IsAskedForFewer(exception)
            || (exception is not AmazonServiceException && S3Failure.IsServiceError(exception, executionContext.RequestContext.CancellationToken)
                && !S3Failure.IsDenied(exception));
        return mayPass || await base.RetryForExceptionAsync(executionContext, exception).ConfigureAwait(false);
    }

    public override bool RetryLimitReached(IExecutionContext executionContext) =>
        executionContext.RequestContext.ContextAttributes.TryGetValue(Began, out object? began)
        && time.GetElapsedTime((long)began) + Pause(executionContext, share: 0.5) > Budget;

    // No quota of tries: the budget is the limit.
    public override bool OnRetry(IExecutionContext executionContext, bool bypassAcquireCapacity, bool isThrottlingError) => true;

    public override void NotifySuccess(IExecutionContext executionContext) => pace.Ease();

    public override Task WaitBeforeRetryAsync(IExecutionContext executionContext) => Task.Delay(
        Pause(executionContext, Random.Shared.NextDouble()), time, executionContext.RequestContext.CancellationToken);

    private static bool IsAskedForFewer(Exception exception) =>
        exception is AmazonServiceException { StatusCode: HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable };

    /// <summary>Half of a time that doubles from one try to the next, and a random share of its other half.</summary>
    private static TimeSpan Pause(IExecutionContext executionContext, double share)
    {
        double full = Math.Min(FirstPause.TotalSeconds * Math.Pow(2, executionContext.RequestContext.Retries), LongestPause.TotalSeconds);
        return TimeSpan.FromSeconds(full * (1 + share) / 2);
    }
}
