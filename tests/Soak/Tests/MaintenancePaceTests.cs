using Litestream.Maintenance;

namespace Litestream.Tests.Soak;

public sealed class MaintenancePaceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(60 * 24 * 7)]
    public void The_replicator_accepts_the_pace_of_a_soak_of_any_length(int minutes)
    {
        MaintenancePace pace = MaintenancePace.For(TimeSpan.FromMinutes(minutes));

        new MaintenanceOptions
        {
            Levels = pace.Levels,
            SnapshotInterval = pace.Snapshot,
            SnapshotRetention = pace.Retention,
            Level0Retention = pace.Level0,
        }.Validate();
        Assert.True(pace.Level0 > pace.Levels[0]);
    }
}
