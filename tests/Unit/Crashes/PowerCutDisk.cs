using System.Diagnostics;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>
/// A disk whose power can be cut: ext4 in a file, told by the kernel to take nothing more from one moment on, as root on Linux. What the
/// programs have written and not flushed is gone when it is mounted again.
/// </summary>
internal sealed class PowerCutDisk : IDisposable
{
    private const int Megabytes = 48;

    private readonly TemporaryFolder _folder = new();

    private string Image => _folder["disk"];

    /// <summary>Where it is mounted.</summary>
    public string FullPath => _folder["mounted"];

    /// <summary>Makes and mounts it. Null, said by name in the output, where that cannot be.</summary>
    public static PowerCutDisk? TryMount(ITestOutputHelper output)
    {
        PowerCutDisk disk = new();
        Directory.CreateDirectory(disk.FullPath);
        using (FileStream image = new(disk.Image, FileMode.CreateNew))
        {
            image.SetLength((long)Megabytes << 20);
        }

        if (OperatingSystem.IsLinux() && Run("mkfs.ext4", "-q", "-F", disk.Image) && Run("xfs_io", "-V") && disk.Mount())
        {
            return disk;
        }

        disk._folder.Dispose();
        output.WriteLine("Not tried: a power cut needs root on Linux, loop devices, mkfs.ext4 and xfs_io (xfsprogs).");
        return null;
    }

    /// <summary>What was written until now is safe.</summary>
    public void Flush() => Assert.True(Run("sync", "-f", FullPath));

    /// <summary>Cuts the power.</summary>
    /// <param name="namesReachIt">
    /// Whether the journal of names and sizes is written once more, so that names stand there whose content never came; else nothing comes
    /// that was not flushed.
    /// </param>
    public void Cut(bool namesReachIt) => Assert.True(Run("xfs_io", "-x", "-c", namesReachIt ? "shutdown -f" : "shutdown", FullPath));

    /// <summary>The machine starts again. Nobody has a file there open.</summary>
    public void Restore() => Assert.True(Run("umount", FullPath) && Mount());

    public void Dispose()
    {
        Assert.True(Run("umount", "-l", FullPath));
        _folder.Dispose();
    }

    // Without the help that ext4 gives to programs which rename before they flush, and without its order of content before names.
    private bool Mount() => Run("mount", "-o", "loop,noauto_da_alloc,data=writeback", Image, FullPath);

    private static bool Run(string program, params string[] args)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
