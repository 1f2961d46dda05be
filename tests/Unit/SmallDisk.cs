using System.Diagnostics;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit;

/// <summary>A disk of the test's own that can be full: a small tmpfs, where the user may mount one (root on Linux).</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _path;

    private SmallDisk(string path) => _path = path;

    private string Ballast => Path.Combine(_path, "ballast");

    /// <summary>Mounts it. Null, said by name in the output, where that cannot be.</summary>
    public static SmallDisk? TryMount(string path, int kilobytes, ITestOutputHelper output)
    {
        Directory.CreateDirectory(path);
        if (OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", path))
        {
            return new SmallDisk(path);
        }

        output.WriteLine("Not tried: mount refuses a small tmpfs (it needs root on Linux).");
        return null;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using FileStream ballast = new(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                ballast.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full, as it shall be.
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(Ballast);

    // Lazily: what is open there still must not keep it.
    public void Dispose() => Assert.True(Run("umount", "-l", _path));

    private static bool Run(string program, params string[] args)
    {
        try
        {
            ProcessStartInfo start = new(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
