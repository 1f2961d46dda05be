using System.Globalization;

namespace Litestream.Maintenance;

/// <summary>How a replica is kept small: merges, full images, and how long each is kept. The defaults are Litestream's.</summary>
public sealed record MaintenanceOptions
{
    /// <summary>Whether anything is merged or deleted at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>How much time one file of level 1, 2, 3 … covers, aligned to the clock. Growing.</summary>
    public IReadOnlyList<TimeSpan> Levels { get; init; } = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromHours(1)];

    /// <summary>How often a full image is made.</summary>
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long full images, and what is needed to get from them to any later time, are kept.</summary>
    public TimeSpan SnapshotRetention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long captured files are kept once they are merged: until then every single capture can be restored.</summary>
    public TimeSpan Level0Retention { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Refuses settings under which something that was promised could not be restored.</summary>
    /// <exception cref="MaintenanceSettingException">They contradict each other.</exception>
    public void Validate()
    {
        if (Levels.Count is 0 or > 8)
        {
            throw new MaintenanceSettingException("There are 1 to 8 levels between captured files and full images. Give one interval for each.");
        }

        for (int i = 0; i < Levels.Count; i++)
        {
            if (Levels[i] <= TimeSpan.Zero || (i > 0 && Levels[i] <= Levels[i - 1]))
            {
                throw new MaintenanceSettingException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The interval of level {i + 1}, {Levels[i]}, does not grow over the one below it. Give growing intervals, as in 30 s, 5 min, 1 h."));
            }
        }

        if (SnapshotInterval <= Levels[^1])
        {
            throw new MaintenanceSettingException($"The snapshot interval, {SnapshotInterval}, must be longer than the last level's, {Levels[^1]}.");
        }

        if (SnapshotRetention < SnapshotInterval)
        {
            throw new MaintenanceSettingException(
                $"The snapshot retention, {SnapshotRetention}, is shorter than the snapshot interval, {SnapshotInterval}: the window would have no beginning. Make it at least as long.");
        }

        if (Level0Retention < TimeSpan.Zero)
        {
            throw new MaintenanceSettingException("The retention of level 0 cannot be negative.");
        }

        if (Level0Retention > SnapshotRetention)
        {
            throw new MaintenanceSettingException(
                $"The retention of level 0, {Level0Retention}, is longer than the snapshot retention, {SnapshotRetention}: captured files would outlive the full image that they are applied to.");
        }
    }
}
