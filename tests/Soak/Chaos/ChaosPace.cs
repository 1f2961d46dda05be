namespace Litestream.Tests.Soak;

/// <summary>How often and how long things are broken.</summary>
/// <param name="Calm">Mean time from one recovery to the next fault.</param>
/// <param name="LongestFault">About the most that a fault lasts.</param>
/// <param name="RecoveryBound">How soon after a fault everything committed must be in the replica again.</param>
internal sealed record ChaosPace(TimeSpan Calm, TimeSpan LongestFault, TimeSpan RecoveryBound)
{
    private static readonly TimeSpan ShortRun = TimeSpan.FromMinutes(5);

    /// <summary>What suits a soak: a short one shall see every fault too. Litestream is given time to make a whole check.</summary>
    public static ChaosPace For(SoakOptions options) => options.Duration < ShortRun && !options.SoaksLitestream
        ? new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3), options.LagBound)
        : new(TimeSpan.FromSeconds(12), TimeSpan.FromSeconds(15), options.LagBound);
}
