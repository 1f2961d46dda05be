namespace Litestream.Tests.Soak;

/// <summary>The store cannot be reached for a while: connections are cut, new ones are closed at once.</summary>
internal sealed class GateFault(StoreGate gate) : IFault
{
    public string Name => "outage";

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        gate.Close(closed: true);
        try
        {
            await Task.Delay(length, stop);
        }
        finally
        {
            gate.Close(closed: false);
        }

        return null;
    }
}
