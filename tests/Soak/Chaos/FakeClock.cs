using System.Globalization;
using System.Runtime.InteropServices;

namespace Litestream.Tests.Soak;

/// <summary>
/// The replicator's clock, by libfaketime where it is installed: the processes of the replicator read how far it is off from a file.
/// </summary>
internal sealed class FakeClock
{
    private static readonly string[] Folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime", "/usr/lib/faketime"];

    private readonly string _file;
    private readonly string _library;
    private readonly string _worker;

    private FakeClock(string library, string file)
    {
        _library = library;
        _file = file;
        _worker = file + "-worker.sh";

        // libfaketime shares a semaphore with the processes that one starts; a worker killed while it holds it would stop its session
        // for good. So the worker begins as one that was started by nobody.
        File.WriteAllText(_worker, $"#!/bin/sh\nunset FAKETIME_SHARED\nexec '{CmdletConsole.HostExecutable}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_worker, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Set(0);
    }

    /// <summary>What the replicator's processes are started with.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = _library,
        ["FAKETIME_TIMESTAMP_FILE"] = _file,
        ["LITESTREAM_WORKER_HOST"] = _worker,
        ["FAKETIME_NO_CACHE"] = "1",
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
    };

    /// <summary>Makes it; null, said by name, where there is no libfaketime.</summary>
    /// <param name="file">Path of the file to make.</param>
    /// <param name="says">Told what is missing.</param>
    public static FakeClock? TryMake(string file, Action<string> says)
    {
        string? library = RuntimeInformation.IsOSPlatform(OSPlatform.Linux)
            ? Folders.Select(folder => Path.Combine(folder, "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
            : null;
        if (library is null)
        {
            says("clock: Not tried: libfaketime is not installed (Debian: libfaketime).");
            return null;
        }

        return new FakeClock(library, file);
    }

    /// <summary>Steps the clock.</summary>
    /// <param name="seconds">How far it is off from then on.</param>
    public void Set(int seconds)
    {
        // A rename, so that nobody reads half of it.
        string fresh = _file + ".new";
        File.WriteAllText(fresh, seconds.ToString("+0;-0;+0", CultureInfo.InvariantCulture) + "\n");
        File.Move(fresh, _file, overwrite: true);
    }
}
