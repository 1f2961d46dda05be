using System.Diagnostics;
using Litestream.Restoration;

namespace Litestream.Verification;

/// <summary>
/// Keeps a test in the background: whenever it tells how far it is, it rests for as long as it has worked since, so that it takes half of
/// one processor and half of a disk at most. A thread's priority would not do: on Linux it is not heeded, and a test hops between threads.
/// </summary>
/// <param name="cancellationToken">Ends a rest.</param>
internal sealed class RestingProgress(CancellationToken cancellationToken) : IProgress<RestoreProgress>
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(2);

    private long _since = Stopwatch.GetTimestamp();

    /// <summary>Rests, unless it has hardly worked yet.</summary>
    /// <param name="value">How far the test is.</param>
    public void Report(RestoreProgress value)
    {
        TimeSpan worked = Stopwatch.GetElapsedTime(_since);
        if (worked < ShortestRest)
        {
            return;
        }

        cancellationToken.WaitHandle.WaitOne(worked < LongestRest ? worked : LongestRest);
        _since = Stopwatch.GetTimestamp();
    }
}
