namespace Litestream.PowerShell.Completion;

/// <summary>
/// Asks for what is offered at a press of Tab, for a limited time. What cannot be had in time, or at all, is not offered: there is nobody to
/// tell an error to while somebody types, and the cmdlet itself will tell it.
/// </summary>
internal static class CompletionLimit
{
    /// <summary>How long a press of Tab may take.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Asks.</summary>
    /// <param name="ask">What to ask; its token is cancelled when the time is over.</param>
    /// <returns>The answer; null without one.</returns>
    internal static T? Ask<T>(Func<CancellationToken, Task<T>> ask)
        where T : class
    {
        CancellationTokenSource limit = new(Limit);
        Task<T> asking = Task.Run(() => ask(limit.Token));
        asking.ContinueWith(
            ended =>
            {
                _ = ended.Exception;
                limit.Dispose();
            },
            TaskScheduler.Default);
        try
        {
            return asking.Wait(Limit) ? asking.Result : null;
        }
        catch (AggregateException)
        {
            return null;
        }
    }
}
