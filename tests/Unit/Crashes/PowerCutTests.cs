using System.Globalization;
using Litestream.Storage;
using Litestream.Verification;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>
/// The power is cut right behind one of a deed's system calls, on a real file system. Whatever was not flushed is gone; no file of a replica
/// may stand there torn, and the next run must bring everything to where it belongs. LITESTREAM_CRASH_EVERY_CALL=1 cuts behind every call.
/// </summary>
[Collection(nameof(PreparedFolder))]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private static readonly bool EveryCall = Environment.GetEnvironmentVariable("LITESTREAM_CRASH_EVERY_CALL") is { Length: > 0 };

    /// <summary>A deed, whether the replica is on another disk which stays on, and whether names reach the disk without content.</summary>
    public static TheoryData<string, bool, bool> Cuts() => new()
    {
        { "begin", false, true },
        { "continue", false, false },
        { "continue", false, true },
        { "continue", true, false },
        { "maintain", false, true },
        { "restore", false, true },
        { "follow", false, true },
        { "follow", true, false },
    };

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task Whatever_was_not_flushed_when_the_power_was_cut_is_made_good(string deed, bool replicaElsewhere, bool namesReachIt)
    {
        if (!Strace.IsAvailable(output) || !OperatingSystem.IsLinux() || PowerCutDisk.TryMount(output) is not { } probe)
        {
            return;
        }

        probe.Dispose();
        foreach ((string call, int first) in ((string, int)[])[("fsync", 2), ("rename", 1), ("pwrite64", 4), ("unlink", 1)])
        {
            for (int when = EveryCall ? 1 : first; await CutAsync(deed, replicaElsewhere, namesReachIt, call, when) && EveryCall; when++)
            {
            }
        }
    }

    /// <returns>Whether the deed made that call so often.</returns>
    private async Task<bool> CutAsync(string deed, bool replicaElsewhere, bool namesReachIt, string call, int when)
    {
        using PowerCutDisk disk = PowerCutDisk.TryMount(output)!;
        using TemporaryFolder elsewhere = new();
        await PreparedFolder.CopyForAsync(deed, disk.FullPath);
        string replica = Path.Combine(disk.FullPath, "replica");
        if (replicaElsewhere)
        {
            PreparedFolder.Copy(replica, elsewhere.FullPath);
            Directory.Delete(replica, recursive: true);
            Directory.CreateSymbolicLink(replica, elsewhere.FullPath);
        }

        disk.Flush();
        bool reached = await CutBehindAsync(disk, deed, namesReachIt, call, when);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call} {when}: {(reached ? "cut" : Interruption.NotReached)}"));
        disk.Restore();
        if (Directory.Exists(replica) && Directory.EnumerateFiles(replica, "*.ltx", SearchOption.AllDirectories).Any())
        {
            VerificationReport report = await ReplicaVerifier.VerifyAsync(
                new VerificationOptions { Source = ReplicaLocation.Parse(replica), Depth = VerificationDepth.Files }, progress: null, CancellationToken.None);
            Assert.True(report.Outcome == VerificationOutcome.Pass, $"{call} {when}: {string.Join('\n', report.Findings)}");
        }

        Interruption.AssertWhole(disk.FullPath);
        await Interruption.CompleteAsync(deed, disk.FullPath);
        return reached;
    }

    private static async Task<bool> CutBehindAsync(PowerCutDisk disk, string deed, bool namesReachIt, string call, int when)
    {
        using TemporaryFolder traces = new();
        using ChildProcess child = ChildProcess.Start(Deeds.RunAsync, [deed, disk.FullPath]);
        Assert.Equal("ready", await child.ReadLineAsync());
        using Strace strace = await Strace.AttachAsync(
            child.Id, traces["trace"], call, string.Create(CultureInfo.InvariantCulture, $"signal=SIGSTOP:when={when}"));
        await child.WriteLineAsync("go");
        bool stopped = await strace.AwaitStopAsync(traces["trace"]);
        disk.Cut(namesReachIt);
        await child.KillAsync();
        return stopped;
    }
}
