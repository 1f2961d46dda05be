using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Litestream.Bench.Compare;

/// <summary>A program that runs, and what it costs. Linux: processor time and memory are read from <c>/proc</c>.</summary>
internal sealed partial class Measured : IDisposable
{
    private const int SigTerm = 15;
    private const int TicksPerSecond = 100; // USER_HZ, which is 100 on every Linux that .NET runs on

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly Task _output;
    private readonly ConcurrentQueue<string> _lines = new();

    private Measured(Process process)
    {
        _process = process;
        _output = ReadLinesAsync(process.StandardOutput);
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Processor seconds so far, of the program alone.</summary>
    public double Cpu
    {
        get
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/stat"));
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / (double)TicksPerSecond;
        }
    }

    /// <summary>Resident megabytes now.</summary>
    public double Megabytes => Status("VmRSS:");

    /// <summary>The most that it ever had resident, in megabytes.</summary>
    public double PeakMegabytes => Status("VmHWM:");

    /// <summary>Megabytes that it has read so far, from files, pipes and sockets, the page cache included.</summary>
    public double ReadMegabytes => Number("io", "rchar:") / 1e6;

    public int Threads => Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/task")).Length;

    /// <summary>Lines that it has printed so far.</summary>
    public int Lines => _lines.Count;

    // A program that ends has no memory any more a moment before it is gone.
    private double PeakMegabytesOrNone
    {
        get
        {
            try
            {
                return PeakMegabytes;
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                return 0;
            }
        }
    }

    public static Measured Start(string[] command) => new(Process.Start(new ProcessStartInfo(command[0], command[1..])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!);

    /// <summary>Runs a program to its end.</summary>
    public static async Task<ProgramRun> RunAsync(string[] command)
    {
        double before = CpuOfChildren();
        long began = Stopwatch.GetTimestamp();
        using Measured run = Start(command);
        double peak = 0;
        for (Task<string> end = run.EndAsync(); ; await Task.WhenAny(end, Task.Delay(TimeSpan.FromMilliseconds(10))))
        {
            if (end.IsCompleted)
            {
                string output = await end;
                return new ProgramRun(Stopwatch.GetElapsedTime(began).TotalSeconds, CpuOfChildren() - before, peak, output);
            }

            peak = Math.Max(peak, run.PeakMegabytesOrNone);
        }
    }

    /// <summary>Waits for the end, which must be a good one; what it printed.</summary>
    public async Task<string> EndAsync()
    {
        using CancellationTokenSource limit = new(Patience);
        await _process.WaitForExitAsync(limit.Token);
        await _output;
        return _process.ExitCode is 0 ? string.Join('\n', _lines) : throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with {_process.ExitCode}: {await _errors}");
    }

    /// <summary>Tells it to end and waits; seconds.</summary>
    public async Task<double> StopAsync()
    {
        long began = Stopwatch.GetTimestamp();
        Signal(SigTerm);
        using CancellationTokenSource limit = new(Patience);
        await _process.WaitForExitAsync(limit.Token);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Asks this program, as the subject, what it has counted.</summary>
    public async Task<ChildCounters> CountersAsync()
    {
        int before = Lines;
        Signal(Child.CountersSignal);
        await UntilAsync(() => Lines > before, Stopwatch.GetTimestamp());
        return ChildCounters.Parse(_lines.Last());
    }

    public async Task CrashAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until something holds, asking often; the seconds since a moment.</summary>
    public async Task<double> UntilAsync(Func<bool> condition, long since)
    {
        while (!condition())
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"{_process.StartInfo.FileName} has ended: {await _errors}");
            }

            if (Stopwatch.GetElapsedTime(since) > Patience)
            {
                throw new TimeoutException($"{_process.StartInfo.FileName} did not do it in {Patience}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1));
        }

        return Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0)
        {
            throw new InvalidOperationException($"{_process.StartInfo.FileName} has ended before it was told to.");
        }
    }

    private async Task ReadLinesAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            _lines.Enqueue(line);
        }
    }

    private double Status(string key) => Number("status", key) / 1024.0;

    private long Number(string file, string key)
    {
        string line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/{file}"))
            .First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    // Of all that have ended; the program just waited for is the only one that ended in between.
    private static double CpuOfChildren()
    {
        Span<long> usage = stackalloc long[18];
        const int children = -1;
        if (GetResourceUsage(children, ref MemoryMarshal.GetReference(usage)) != 0)
        {
            throw new InvalidOperationException("getrusage failed.");
        }

        return usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetResourceUsage(int who, ref long usage);
}
