using System.Globalization;

namespace Litestream.Tests.Soak;

/// <summary>The replicator's clock steps forward or back, and some time later to what is right.</summary>
internal sealed class ClockFault(FakeClock clock, Disturbances disturbances) : IFault
{
    private const int LongestStep = 40;

    public string Name => "clock";

    // What is committed must go to the replica all the same.
    public bool Excuses => false;

    public async Task<string?> RunAsync(Random draw, TimeSpan length, CancellationToken stop)
    {
        int step = draw.Next(1, LongestStep) * (draw.Next(2) == 0 ? 1 : -1);
        disturbances.DoubtMoments(length + TimeSpan.FromSeconds(LongestStep));
        clock.Set(step);
        try
        {
            await Task.Delay(length, stop);
        }
        finally
        {
            clock.Set(0);
            disturbances.DoubtMoments(TimeSpan.FromSeconds(LongestStep));
        }

        return string.Create(CultureInfo.InvariantCulture, $"by {step} s");
    }
}
