using System.Diagnostics;
using Litestream.Ltx;
using Litestream.Storage;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Storage;

/// <summary>What the folder backend says and leaves behind when the disk refuses.</summary>
public sealed class FolderFailureTests(ITestOutputHelper output) : IDisposable
{
    private static readonly LtxFileName Name = new(1, 1);
    private static readonly ReplicaOwner Owner = new("alpha", 4711, "/data/app.db", DateTimeOffset.UnixEpoch);

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(1, "the file")]
    [InlineData(2, "the directory")]
    public async Task A_failed_fsync_is_an_error_and_leaves_nothing_visible(int which, string what)
    {
        if (!CanRun("strace", "-e", "trace=none", "true"))
        {
            output.WriteLine("Not tried: strace, which makes fsync fail, is absent or may not trace here.");
            return;
        }

        string level = _temporary["replica", "ltx", "0"];
        Directory.CreateDirectory(level);
        using ChildProcess child = ChildProcess.Start(
            PutAndSayWhatHappened,
            [_temporary["replica"]],
            "strace", "-f", "-qq", "-o", _temporary["trace"], "-e", "trace=fsync", "-e", $"inject=fsync:error=EIO:when={which}");

        string said = await child.ReadToEndAsync();

        output.WriteLine($"fsync of {what}: {said}");
        Assert.StartsWith(nameof(ReplicaUnreachableException), said, StringComparison.Ordinal);
        Assert.Contains(which == 1 ? $"fsync of '{level}/{Name}." : $"fsync of the directory '{level}'", said, StringComparison.Ordinal);
        Assert.Equal(which, File.ReadLines(_temporary["trace"]).Count(line => line.Contains("fsync(", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(level));
    }

    [Fact]
    public async Task A_full_disk_is_worth_a_retry_leaves_nothing_and_passes_when_there_is_room()
    {
        await WithSmallDiskAsync(async disk =>
        {
            await using IReplicaStore store = ReplicaLocation.Parse(Path.Combine(disk, "replica")).Open();
            await using IReplicaLease held = await store.AcquireAsync(Owner, CancellationToken.None);
            string ballast = Path.Combine(disk, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[150 * 1024]);

            // Written in small pieces: the failure strikes while bytes are still buffered.
            ReplicaUnreachableException error = await Assert.ThrowsAsync<ReplicaUnreachableException>(() => store.PutAsync(
                0,
                Name,
                DateTimeOffset.UnixEpoch,
                null,
                async (stream, cancel) =>
                {
                    for (int i = 0; i < 300; i++)
                    {
                        await stream.WriteAsync(new byte[1000], cancel);
                    }
                },
                CancellationToken.None));

            Assert.Contains("full", error.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(disk, "replica", "ltx", "0")));

            File.Delete(ballast);
            await PutAsync(store);
            Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(disk, "replica", "ltx", "0")));
        });
    }

    [Fact]
    public async Task A_read_only_disk_is_a_refusal_and_stays_readable()
    {
        await WithSmallDiskAsync(async disk =>
        {
            await using IReplicaStore store = ReplicaLocation.Parse(Path.Combine(disk, "replica")).Open();
            await PutAsync(store);
            Assert.True(CanRun("mount", "-o", "remount,ro", disk));

            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => PutAsync(store));
            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => store.DeleteAsync(0, Name, CancellationToken.None));
            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => store.AcquireAsync(Owner, CancellationToken.None));
            await using Stream stream = await store.OpenReadAsync(0, Name, 0, null, CancellationToken.None);
            Assert.Equal(42, stream.ReadByte());
        });
    }

    [Fact]
    public async Task A_folder_without_permissions_is_a_refusal()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            output.WriteLine("Not tried: permissions of folders do not bind this user (root or Windows).");
            return;
        }

        string replica = _temporary["replica"];
        await using IReplicaStore store = ReplicaLocation.Parse(replica).Open();
        await PutAsync(store);
        string level = Path.Combine(replica, "ltx", "0");
        File.SetUnixFileMode(level, UnixFileMode.None);
        try
        {
            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => PutAsync(store));
            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(
                () => store.OpenReadAsync(0, Name, 0, null, CancellationToken.None));
            await Assert.ThrowsAsync<ReplicaAccessDeniedException>(async () =>
            {
                await foreach (ReplicaFile file in store.ListAsync(0, CancellationToken.None))
                {
                }
            });
        }
        finally
        {
            File.SetUnixFileMode(level, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Theory]
    [InlineData("replica")]
    [InlineData("replica/ltx")]
    [InlineData("replica/ltx/0")]
    public async Task A_file_in_the_place_of_a_folder_is_an_error_and_never_an_empty_replica(string file)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(_temporary["replica"]).Open();
        string path = _temporary[file];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, "precious");

        await Assert.ThrowsAsync<ReplicaUnreachableException>(() => PutAsync(store));
        await Assert.ThrowsAsync<ReplicaUnreachableException>(async () =>
        {
            await foreach (ReplicaFile found in store.ListAsync(0, CancellationToken.None))
            {
            }
        });
        Assert.Equal("precious", await File.ReadAllTextAsync(path));
    }

    /// <summary>Runs in a child process, under strace.</summary>
    internal static async Task PutAndSayWhatHappened(string[] args)
    {
        await using IReplicaStore store = ReplicaLocation.Parse(args[0]).Open();
        try
        {
            await PutAsync(store);
            Console.WriteLine("stored");
        }
        catch (LitestreamException e)
        {
            Console.WriteLine($"{e.GetType().Name}: {e.Message}");
        }
    }

    private static Task PutAsync(IReplicaStore store) => store.PutAsync(
        0, Name, DateTimeOffset.UnixEpoch, 1, (stream, cancel) => stream.WriteAsync(new byte[] { 42 }, cancel).AsTask(), CancellationToken.None);

    /// <summary>A disk of 256 KiB of the test's own, where the user may mount one.</summary>
    private async Task WithSmallDiskAsync(Func<string, Task> test)
    {
        string disk = _temporary["disk"];
        Directory.CreateDirectory(disk);
        if (!OperatingSystem.IsLinux() || !CanRun("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk))
        {
            output.WriteLine("Not tried: mount refuses a small tmpfs (it needs root on Linux).");
            return;
        }

        try
        {
            await test(disk);
        }
        finally
        {
            Assert.True(CanRun("umount", disk));
        }
    }

    private static bool CanRun(string program, params string[] args)
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
