using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Litestream.Tests.Unit.Replication;

/// <summary>Waits for what another thread or process does, for a bounded time.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Returns when the condition holds; fails, with what it was, if it does not come to hold.</summary>
    public static async Task HoldsAsync(Func<bool> condition, Func<object?>? state = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long begin = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience, $"{what} did not come to hold. {state?.Invoke()}");
            await Task.Delay(10);
        }
    }
}
