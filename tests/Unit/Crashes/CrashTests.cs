using System.Globalization;
using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Restoration;
using Litestream.Tests.Unit.Sqlite;
using Litestream.Verification;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>
/// Each deed is ended, or refused by the disk, at one of its system calls after the other. What it leaves must be whole, and the next
/// run must bring everything to where it belongs and leave nothing behind.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IClassFixture<PreparedFolder>
{
    private static readonly string[] Leftovers = ["*.tmp", "*.restoring-*", "*-journal", "*-follow-pages"];

    private readonly ITestOutputHelper _output = output;

    /// <summary>A deed, a call, and what happens to it.</summary>
    public static TheoryData<string, string, string> Faults()
    {
        TheoryData<string, string, string> faults = [];
        foreach (string deed in (string[])["begin", "replicate", "maintain", "restore", "follow"])
        {
            foreach (string call in (string[])["pwrite64", "fsync", "fdatasync", "rename", "unlink"])
            {
                faults.Add(deed, call, "signal=SIGKILL");
            }

            faults.Add(deed, "pwrite64", "error=ENOSPC");
            faults.Add(deed, "fsync", "error=EIO");
        }

        return faults;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Interrupted_at_any_call_it_leaves_everything_whole_and_the_next_run_completes_it(string deed, string call, string fault)
    {
        if (!OperatingSystem.IsLinux() || !Strace.IsAvailable(_output))
        {
            return;
        }

        string prepared = await PreparedFolder.GetAsync();
        foreach (int when in (int[])[1, 2, 5])
        {
            using TemporaryFolder folder = new();
            PreparedFolder.Copy(prepared, folder.FullPath);
            if (deed == "begin")
            {
                Directory.Delete(folder["replica"], recursive: true);
                Directory.Delete(folder[".app.db-litestream"], recursive: true);
            }

            string said = await InterruptAsync(deed == "begin" ? "replicate" : deed, folder, call, $"{fault}:when={when}");
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call} {when}: {said}"));
            AssertWhole(folder);
            await CompleteAsync(deed == "begin" ? "replicate" : deed, folder);
            if (said == "not reached")
            {
                break;
            }
        }
    }

    // How it ended: where it was killed, what it said, or that it never made that call so often.
    private static async Task<string> InterruptAsync(string deed, TemporaryFolder folder, string call, string fault)
    {
        string trace = folder["trace"];
        using ChildProcess child = ChildProcess.Start(Deeds.RunAsync, [deed, folder.FullPath]);
        Assert.Equal("ready", await child.ReadLineAsync());
        using Strace strace = await Strace.AttachAsync(child.Id, trace, call, fault);
        await child.WriteLineAsync("go");
        string said;
        try
        {
            said = (await child.ReadToEndAsync()).Trim();
        }
        catch (InvalidOperationException e)
        {
            said = e.Message;
        }

        await strace.EndAsync();
        string calls = await File.ReadAllTextAsync(trace);
        File.Delete(trace);
        if (calls.Contains("killed by SIGKILL", StringComparison.Ordinal))
        {
            return "killed at " + Where(calls.Split('\n').Last(line => line.Contains($"{call}(", StringComparison.Ordinal)), folder);
        }

        // An error that nobody expected ends it with another code than 0, and is no answer. "not an error" is SQLite's word for none.
        Assert.True(said == "done" || !said.Contains("ended with", StringComparison.Ordinal), said);
        Assert.DoesNotContain("not an error", said, StringComparison.Ordinal);
        return calls.Contains("INJECTED", StringComparison.Ordinal)
            ? $"{Where(calls.Split('\n').First(line => line.Contains("INJECTED", StringComparison.Ordinal)), folder)}; {said}"
            : "not reached";
    }

    private static string Where(string line, TemporaryFolder folder)
    {
        string path = line.Replace(folder.FullPath, "", StringComparison.Ordinal);
        return path.Length > 160 ? path[..80] + " ... " + path[^60..] : path;
    }

    private static void AssertWhole(TemporaryFolder folder)
    {
        foreach (string database in (string[])["app.db", "copy.db", "followed.db"])
        {
            using SqliteConnection connection = SqliteFile.Open(folder[database]);
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA integrity_check";
            Assert.Equal("ok", command.ExecuteScalar());
        }
    }

    private async Task CompleteAsync(string deed, TemporaryFolder folder)
    {
        await Deeds.DoAsync(deed, folder.FullPath);
        foreach (string other in (string[])["replicate", "follow", "restore"])
        {
            await Deeds.DoAsync(other, folder.FullPath);
        }

        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions { Source = ReplicaLocation.Parse(folder["replica"]), DatabasePath = folder["app.db"], Depth = VerificationDepth.Compare },
            progress: null,
            CancellationToken.None);
        Assert.True(report.Outcome == VerificationOutcome.Pass, string.Join('\n', report.Findings));
        using (var application = new Application(folder["app.db"], "SELECT count(*) FROM sqlite_schema"))
        {
            application.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE);
        }

        Images.Equal(folder["app.db"], folder["copy.db"]);
        Assert.Equal(Content(folder["app.db"]), Content(folder["followed.db"]));
        Assert.Empty(Leftovers.SelectMany(pattern => Directory.EnumerateFiles(folder.FullPath, pattern, SearchOption.AllDirectories)));
    }

    private static string Content(string database)
    {
        using SqliteConnection connection = SqliteFile.Open(database);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT group_concat(id || ':' || hex(substr(b, 1, 20))) FROM t";
        return (string)command.ExecuteScalar()!;
    }
}
