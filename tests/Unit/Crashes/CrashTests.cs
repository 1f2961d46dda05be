using System.Globalization;
using Litestream.Ltx;
using Litestream.State;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>
/// Each deed is ended, or refused by the disk, at one of its system calls after the other. What it leaves must be whole, and the next
/// run must bring everything to where it belongs and leave nothing behind. LITESTREAM_CRASH_EVERY_CALL=1 tries every call, not some.
/// </summary>
[Collection(nameof(PreparedFolder))]
public sealed class CrashTests(ITestOutputHelper output)
{
    private const string Kill = "signal=SIGKILL";

    private static readonly bool EveryCall = Environment.GetEnvironmentVariable("LITESTREAM_CRASH_EVERY_CALL") is { Length: > 0 };

    /// <summary>A deed, a call, and what happens to it.</summary>
    public static TheoryData<string, string, string> Faults()
    {
        TheoryData<string, string, string> faults = [];
        foreach (string deed in (string[])["begin", "replicate", "maintain", "restore", "follow"])
        {
            foreach (string call in (string[])["pwrite64", "ftruncate", "fsync", "rename", "unlink"])
            {
                faults.Add(deed, call, Kill);
            }

            faults.Add(deed, "pwrite64", "error=ENOSPC");
            foreach (string call in (string[])["pwrite64", "ftruncate", "fsync", "rename"])
            {
                faults.Add(deed, call, "error=EIO");
            }
        }

        return faults;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Interrupted_at_any_call_it_leaves_everything_whole_and_the_next_run_completes_it(string deed, string call, string fault)
    {
        if (!Strace.IsAvailable(output) || !OperatingSystem.IsLinux())
        {
            return;
        }

        foreach (int when in EveryCall ? Enumerable.Range(1, int.MaxValue - 1) : fault == Kill ? [1, 2, 5] : [1, 3])
        {
            using TemporaryFolder folder = await PrepareAsync(deed);
            string said = await Interruption.RunAsync(deed, folder.FullPath, call, $"{fault}:when={when}");
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call} {when}: {said}"));
            Interruption.AssertWhole(folder.FullPath);
            await Interruption.CompleteAsync(deed, folder.FullPath);
            if (said == Interruption.NotReached)
            {
                break;
            }
        }
    }

    [Fact]
    public async Task Killed_between_a_full_image_and_the_first_file_behind_it_goes_on_from_the_image()
    {
        if (!Strace.IsAvailable(output) || !OperatingSystem.IsLinux())
        {
            return;
        }

        using TemporaryFolder folder = await PrepareAsync("begin");
        string first = folder["replica", "ltx", "0", new LtxFileName(2, 2).ToString()];

        string said = await Interruption.RunAsync("continue", folder.FullPath, "rename", Kill, $"{first}.{Interruption.ProcessId}.tmp");

        Assert.StartsWith("killed at ", said, StringComparison.Ordinal);
        Assert.Equal([new LtxFileName(1, 1).ToString()], ReplicaFiles(folder));
        Interruption.AssertWhole(folder.FullPath);
        await Interruption.CompleteAsync("continue", folder.FullPath);
        Assert.Contains(Path.GetFileName(first), ReplicaFiles(folder));
        Assert.Single(ReplicaFiles(folder), name => name!.StartsWith("0000000000000001-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Killed_between_the_table_and_the_end_of_what_it_covers_loses_nothing_and_leaves_nothing()
    {
        if (!Strace.IsAvailable(output) || !OperatingSystem.IsLinux())
        {
            return;
        }

        using TemporaryFolder folder = await PrepareAsync("replicate");
        var state = new LocalStateFolder(folder["app.db"]);
        ulong before = SavedTxid(state);
        string staged = state.StagedPath(new LtxFileName(before + 1, before + 1));

        string said = await Interruption.RunAsync("replicate", folder.FullPath, "unlink", Kill, staged);

        Assert.StartsWith("killed at ", said, StringComparison.Ordinal);
        Assert.True(File.Exists(staged));
        Assert.True(SavedTxid(state) > before, "the table was not saved yet");
        Interruption.AssertWhole(folder.FullPath);
        await Interruption.CompleteAsync("replicate", folder.FullPath);
        Assert.Empty(state.ListStaged());
    }

    [Fact]
    public async Task Killed_between_a_followers_position_and_the_database_that_replaces_its_copy_leaves_the_copy()
    {
        if (!Strace.IsAvailable(output) || !OperatingSystem.IsLinux())
        {
            return;
        }

        using TemporaryFolder folder = await PrepareAsync("replace");
        string before = Interruption.Content(folder["followed.db"]);

        string said = await Interruption.RunAsync("replace", folder.FullPath, "rename", Kill, folder[$"followed.db.restoring-{Interruption.ProcessId}"]);

        Assert.StartsWith("killed at ", said, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["followed.db-follow"]));
        Assert.Equal(before, Interruption.Content(folder["followed.db"]));
        Interruption.AssertWhole(folder.FullPath);
        await Assert.ThrowsAnyAsync<LitestreamException>(() => Deeds.DoAsync("follow", folder.FullPath)); // it is no follower's copy any more
        await Interruption.CompleteAsync("replace", folder.FullPath);
    }

    private static async Task<TemporaryFolder> PrepareAsync(string deed)
    {
        TemporaryFolder folder = new();
        await PreparedFolder.CopyForAsync(deed, folder.FullPath);
        return folder;
    }

    private static IEnumerable<string?> ReplicaFiles(TemporaryFolder folder) =>
        Directory.EnumerateFiles(folder["replica"], "*.ltx", SearchOption.AllDirectories).Select(Path.GetFileName);

    private static ulong SavedTxid(LocalStateFolder state)
    {
        using PageChecksumTable table = PageChecksumTable.TryOpen(state.TablePath)!;
        return table.Txid;
    }
}
