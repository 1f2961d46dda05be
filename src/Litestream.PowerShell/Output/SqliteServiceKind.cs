namespace Litestream.PowerShell;

/// <summary>What runs a replication as a service.</summary>
public enum SqliteServiceKind
{
    /// <summary>systemd, on Linux.</summary>
    Systemd,

    /// <summary>The Task Scheduler of Windows.</summary>
    ScheduledTask,
}
