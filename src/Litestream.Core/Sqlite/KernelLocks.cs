using System.Diagnostics;
using System.Globalization;

namespace Litestream.Sqlite;

/// <summary>
/// The files that this process has locks on, as Linux shows them in <c>/proc/locks</c> (proc_locks(5)). Read once for all databases, since it
/// has a line for every lock on the machine.
/// </summary>
internal static class KernelLocks
{
    private const string Path = "/proc/locks";

    private static readonly Lock Gate = new();
    private static HashSet<long>? _held;
    private static long _readAt;

    /// <summary>File numbers (inodes) with a POSIX lock of this process. Null where the kernel does not show them.</summary>
    /// <param name="age">How old the answer may be.</param>
    public static HashSet<long>? Held(TimeSpan age)
    {
        lock (Gate)
        {
            if (_held is null || Stopwatch.GetElapsedTime(_readAt) >= age)
            {
                _readAt = Stopwatch.GetTimestamp();
                _held = Read() is { } lines ? Parse(lines, Environment.ProcessId) : null;
            }

            return _held;
        }
    }

    /// <summary>File numbers of a process' POSIX locks.</summary>
    /// <param name="locks">Lines such as "2: POSIX  ADVISORY  READ 6869 fe:00:11657343 124 124".</param>
    /// <param name="process">The process id.</param>
    internal static HashSet<long> Parse(string locks, int process)
    {
        HashSet<long> held = [];
        Span<Range> fields = stackalloc Range[7];
        foreach (ReadOnlySpan<char> line in locks.AsSpan().EnumerateLines())
        {
            if (line.Split(fields, ' ', StringSplitOptions.RemoveEmptyEntries) >= 6
                && line[fields[1]].SequenceEqual("POSIX")
                && int.TryParse(line[fields[4]], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && id == process
                && line[fields[5]] is var file
                && long.TryParse(file[(file.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                held.Add(number);
            }
        }

        return held;
    }

    private static string? Read()
    {
        try
        {
            return File.ReadAllText(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // hidden by the container: the commit counter still tells of lost frames
        }
    }
}
