using System.Globalization;

namespace Litestream.PowerShell;

/// <summary>Numbers as people read them; the module's views use it.</summary>
public static class Readable
{
    private const double Step = 1024;
    private const double Ten = 10;

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A size: <c>512 B</c>, <c>4.2 MiB</c>.</summary>
    /// <param name="bytes">0 or more.</param>
    public static string Size(double bytes)
    {
        int unit = 0;
        while (bytes >= Step && unit < Units.Length - 1)
        {
            bytes /= Step;
            unit++;
        }

        string format = unit == 0 || bytes >= Step / Ten ? "0" : "0.0";
        return $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>A rate: <c>12 MiB/s</c>; empty where no time passed.</summary>
    /// <param name="bytes">0 or more.</param>
    /// <param name="elapsed">In which time.</param>
    public static string Rate(double bytes, TimeSpan elapsed) =>
        elapsed > TimeSpan.Zero ? Size(bytes / elapsed.TotalSeconds) + "/s" : "";

    /// <summary>A length of time: <c>12 ms</c>, <c>3.4 s</c>, <c>2 min 5 s</c>, <c>3 h 20 min</c>, <c>5 d 2 h</c>.</summary>
    /// <param name="time">0 or more.</param>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalMilliseconds: < 1 } => "0 ms",
        { TotalSeconds: < 1 } => Text($"{time.TotalMilliseconds:0} ms"),
        { TotalMinutes: < 1 } => Text($"{time.TotalSeconds:0.0} s"),
        { TotalHours: < 1 } => Text($"{time.Minutes} min {time.Seconds} s"),
        { TotalDays: < 1 } => Text($"{time.Hours} h {time.Minutes} min"),
        _ => Text($"{time.Days} d {time.Hours} h"),
    };

    /// <summary>How long ago something was: <c>3.4 s ago</c>; empty for null.</summary>
    /// <param name="moment">Local or UTC, as its kind says.</param>
    public static string Age(DateTime? moment) =>
        moment is { } then ? Duration(TimeSpan.FromTicks(Math.Max(0, (DateTime.UtcNow - then.ToUniversalTime()).Ticks))) + " ago" : "";

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
