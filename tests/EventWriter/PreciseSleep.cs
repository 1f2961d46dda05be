using System.Runtime.InteropServices;

namespace Litestream.Tests.EventWriter;

/// <summary>Sleeps for fractions of a millisecond, which <see cref="Thread.Sleep(TimeSpan)"/> rounds away.</summary>
internal static partial class PreciseSleep
{
    public static void For(TimeSpan time)
    {
        if (time <= TimeSpan.Zero)
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(time < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : time);
            return;
        }

        // An early return by a signal is fine: every caller looks at the clock again.
        Timespec request = new((long)time.TotalSeconds, time.Ticks % TimeSpan.TicksPerSecond * 100);
        _ = nanosleep(request, 0);
    }

    [LibraryImport("libc")]
    private static partial int nanosleep(in Timespec request, nint remaining);

    private readonly record struct Timespec(long Seconds, long Nanoseconds);
}
