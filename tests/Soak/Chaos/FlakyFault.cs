using System.Globalization;
using Litestream.Tests.S3;

namespace Litestream.Tests.Soak;

/// <summary>The way to the store spoils connections for a while: late, cut, reset, stalled, refused.</summary>
internal sealed class FlakyFault(FaultProxy proxy, StoreGate gate) : IFault
{
    public string Name => "flaky";

    public bool Excuses => true;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        int before = Spoiled();
        proxy.Spoils = true;
        gate.Cut(); // each connection draws its lot when it begins
        try
        {
            await Task.Delay(length, stop);
        }
        finally
        {
            proxy.Spoils = false;
            gate.Cut();
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Spoiled() - before} connections spoiled");
    }

    private int Spoiled() => proxy.Done.Where(done => done.Key != FaultProxy.Fault.None).Sum(done => done.Value);
}
