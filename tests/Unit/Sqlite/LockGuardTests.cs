using Litestream.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>Locks that vanish behind our back, and who else has the database open here. Each in a process of its own: it is harmful.</summary>
public sealed class LockGuardTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Database => _temporary["app.db"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData("", "active True, stand True, after True")]
    [InlineData("-wal", "active True, stand True, after True")]
    [InlineData("-shm", "active True, stand True, after False")]
    [InlineData("db", "active True, stand True, after False")]
    public async Task Locks_that_a_closed_descriptor_took_are_missed(string touched, string expected)
    {
        using (Application application = Application.WithPages(Database, 4096))
        {
            application.Fill(3);
            if (!OperatingSystem.IsLinux() || !File.Exists("/proc/locks"))
            {
                output.WriteLine("Not tried: /proc/locks, which shows locks, is absent.");
                return;
            }

            using ChildProcess child = ChildProcess.Start(TouchAndLookAsync, [Database, touched]);
            Assert.Equal(expected, (await child.ReadToEndAsync()).Trim());
        }
    }

    [Fact]
    public async Task Locks_of_another_process_are_not_taken_for_ours()
    {
        using ApplicationProcess other = await ApplicationProcess.OpenAsync(Database);
        await other.ExecuteAsync("CREATE TABLE t(x); BEGIN; SELECT * FROM t");
        if (!OperatingSystem.IsLinux() || !File.Exists("/proc/locks"))
        {
            output.WriteLine("Not tried: /proc/locks, which shows locks, is absent.");
            return;
        }

        var guard = new LockGuard(Database);

        Assert.False(guard.IsActive);
        Assert.True(guard.LocksStand(TimeSpan.Zero));
    }

    [Theory]
    [InlineData("2: POSIX  ADVISORY  READ 1234 fe:00:77 124 124", 1234, true)]
    [InlineData("2: POSIX  ADVISORY  READ 1234 fe:00:77 124 124", 234, false)]
    [InlineData("2: POSIX  ADVISORY  READ 1234 fe:00:177 124 124", 1234, false)]
    [InlineData("2: FLOCK  ADVISORY  READ 1234 fe:00:77 124 124", 1234, false)]
    [InlineData("9: FLOCK  ADVISORY  WRITE 1234 fe:00:77 0 EOF\n2: POSIX  ADVISORY  WRITE 1234 fe:00:77 0 EOF", 1234, true)]
    public void A_line_of_the_kernel_is_read_as_it_is_meant(string locks, int process, bool ours) =>
        Assert.Equal(ours, KernelLocks.Parse(locks, process).Contains(77));

    [Fact]
    public void A_database_that_is_open_in_this_process_is_refused()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(1);
        if (!OperatingSystem.IsLinux())
        {
            output.WriteLine("Not tried: only Linux shows who has a file open.");
            return;
        }

        SqliteLibraryException error = Assert.Throws<SqliteLibraryException>(() => SqliteLibrary.EnsureAloneInProcess(Database));

        Assert.Equal(Database, error.Database);
        Assert.Contains("process of its own", error.Message, StringComparison.Ordinal);
        SqliteLibrary.EnsureAloneInProcess(_temporary["other.db"]);
        application.Dispose();
        SqliteLibrary.EnsureAloneInProcess(Database);
    }

    [Fact]
    public void A_replaced_file_is_another_one_and_a_grown_one_is_not()
    {
        string path = _temporary["file"];
        Assert.False(FileIdentity.TryGet(path, out _));
        File.WriteAllText(path, "one");
        Assert.True(FileIdentity.TryGet(path, out FileIdentity first));
        File.AppendAllText(path, "more");
        Assert.True(FileIdentity.TryGet(path, out FileIdentity grown));
        File.WriteAllText(path + ".new", "two");
        using FileStream open = File.OpenRead(path);
        File.Move(path + ".new", path, overwrite: true);
        Assert.True(FileIdentity.TryGet(path, out FileIdentity replaced));
        Assert.True(FileIdentity.TryGet(open.SafeFileHandle, out FileIdentity held));

        Assert.Equal((3, 7), (first.Size, grown.Size));
        Assert.True(first.SameFile(grown));
        Assert.False(first.SameFile(replaced));
        Assert.True(first.SameFile(held));
    }

    private static async Task TouchAndLookAsync(string[] args)
    {
        using LeapfrogPins pins = LeapfrogPins.Open(args[0], TimeSpan.Zero);
        var guard = new LockGuard(args[0]);
        string said = $"active {guard.IsActive}, stand {guard.LocksStand(TimeSpan.Zero)}";
        if (args[1].Length > 0)
        {
            await using FileStream touched = new(args[0] + (args[1] == "db" ? "" : args[1]), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }

        Console.WriteLine($"{said}, after {guard.LocksStand(TimeSpan.Zero)}");
    }
}
