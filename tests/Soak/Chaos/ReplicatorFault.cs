namespace Litestream.Tests.Soak;

/// <summary>The replicator's processes are killed or ended in order, and started again a while later: the databases are written to meanwhile.</summary>
/// <param name="subject">Whose.</param>
/// <param name="inOrder">Whether it may do a last sync.</param>
internal sealed class ReplicatorFault(ISubject subject, bool inOrder) : IFault
{
    public string Name => inOrder ? "restart" : "kill";

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        subject.IsHeld = true;
        try
        {
            string? what = inOrder ? await subject.StopAsync() : subject.Kill(draw);

            // Half of the times it comes back at once, as after a crash under a service manager.
            await Task.Delay(draw.Next(2) == 0 ? TimeSpan.Zero : length, stop);
            return what;
        }
        finally
        {
            subject.IsHeld = false;
        }
    }
}
