using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Restoration;
using Litestream.Tests.Unit.Sqlite;
using Litestream.Verification;
using Microsoft.Data.Sqlite;

namespace Litestream.Tests.Unit.Crashes;

/// <summary>A deed in a process of its own that meets a fault at one of its system calls, and what must hold after it.</summary>
internal static class Interruption
{
    /// <summary>Stands in a path for the id of the process that does the deed, as it does in the names of temporary files.</summary>
    public const string ProcessId = "{pid}";

    /// <summary>What is said of a deed that never made the call so often.</summary>
    public const string NotReached = "not reached";

    private static readonly string[] Leftovers = ["*.tmp", "*.restoring-*", "*-journal", "*-follow-pages"];

    /// <summary>Runs a deed that meets a fault.</summary>
    /// <param name="deed">See <see cref="Deeds"/>.</param>
    /// <param name="folder">Where it is done.</param>
    /// <param name="call">The call, as strace names it.</param>
    /// <param name="fault">What happens to it, as strace says it: "signal=SIGKILL:when=3".</param>
    /// <param name="path">Only calls on this file count; null for all. <see cref="ProcessId"/> in it is that of the process.</param>
    /// <returns>How it ended: where it was killed, what it said, or that it never made that call so often.</returns>
    public static async Task<string> RunAsync(string deed, string folder, string call, string fault, string? path = null)
    {
        using TemporaryFolder traces = new();
        string trace = traces["trace"];
        using ChildProcess child = ChildProcess.Start(Deeds.RunAsync, [deed, folder]);
        Assert.Equal("ready", await child.ReadLineAsync());
        using Strace strace = await Strace.AttachAsync(
            child.Id, trace, call, fault, path?.Replace(ProcessId, $"{child.Id}", StringComparison.Ordinal));
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
        if (calls.Contains("killed by SIGKILL", StringComparison.Ordinal))
        {
            return "killed at " + Where(calls.Split('\n').Last(line => line.Contains($"{call}(", StringComparison.Ordinal)), folder);
        }

        // An error that nobody expected ends it with another code than 0, and is no answer. "not an error" is SQLite's word for none.
        Assert.True(said == "done" || !said.Contains("ended with", StringComparison.Ordinal), said);
        Assert.DoesNotContain("not an error", said, StringComparison.Ordinal);
        return calls.Contains("INJECTED", StringComparison.Ordinal)
            ? $"{Where(calls.Split('\n').First(line => line.Contains("INJECTED", StringComparison.Ordinal)), folder)}; {said}"
            : NotReached;
    }

    /// <summary>Fails unless SQLite finds every database there whole.</summary>
    public static void AssertWhole(string folder)
    {
        foreach (string database in (string[])["app.db", "copy.db", "followed.db"])
        {
            using SqliteConnection connection = SqliteFile.Open(Path.Combine(folder, database));
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA integrity_check";
            Assert.Equal("ok", command.ExecuteScalar());
        }
    }

    /// <summary>Does the deed again, and all others; fails unless everything is where it belongs then, and nothing else is there.</summary>
    public static async Task CompleteAsync(string deed, string folder)
    {
        await Deeds.DoAsync(deed, folder);
        foreach (string other in (string[])["replicate", deed == "replace" ? "follow anew" : "follow", "restore"])
        {
            await Deeds.DoAsync(other, folder);
        }

        (string database, string copy, string followed) = (Path.Combine(folder, "app.db"), Path.Combine(folder, "copy.db"), Path.Combine(folder, "followed.db"));
        VerificationReport report = await ReplicaVerifier.VerifyAsync(
            new VerificationOptions
            {
                Source = ReplicaLocation.Parse(Path.Combine(folder, "replica")),
                DatabasePath = database,
                Depth = VerificationDepth.Compare,
            },
            progress: null,
            CancellationToken.None);
        Assert.True(report.Outcome == VerificationOutcome.Pass, string.Join('\n', report.Findings));
        using (var application = new Application(database, "SELECT count(*) FROM sqlite_schema"))
        {
            application.Checkpoint(SQLitePCL.raw.SQLITE_CHECKPOINT_TRUNCATE);
        }

        Images.Equal(database, copy);
        Assert.Equal(Content(database), Content(followed));
        Assert.Empty(Leftovers.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories)));
    }

    /// <summary>What a database holds, in words.</summary>
    public static string Content(string database)
    {
        using SqliteConnection connection = SqliteFile.Open(database);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT group_concat(id || ':' || hex(substr(b, 1, 20))) FROM t";
        return (string)command.ExecuteScalar()!;
    }

    private static string Where(string line, string folder)
    {
        string path = line.Replace(folder, "", StringComparison.Ordinal);
        return path.Length > 160 ? path[..80] + " ... " + path[^60..] : path;
    }
}
