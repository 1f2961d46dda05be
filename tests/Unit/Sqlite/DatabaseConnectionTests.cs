using Litestream.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>What is said of a path that is no database for us.</summary>
public sealed class DatabaseConnectionTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Database => _temporary["app.db"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_missing_file_a_folder_and_a_text_are_told_apart()
    {
        Directory.CreateDirectory(_temporary["folder"]);
        File.WriteAllText(_temporary["text"], string.Concat(Enumerable.Repeat("No database at all. ", 400)));

        Assert.Equal(_temporary["missing"], Assert.Throws<DatabaseNotFoundException>(() => Open("missing")).Database);
        Assert.Contains("is a folder", Assert.Throws<NotADatabaseException>(() => Open("folder")).Message, StringComparison.Ordinal);
        Assert.Contains("not an SQLite database", Assert.Throws<NotADatabaseException>(() => Open("text")).Message, StringComparison.Ordinal);
        Assert.Equal(["folder", "text"], Directory.EnumerateFileSystemEntries(_temporary.FullPath).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task An_exclusive_lock_of_another_program_is_said_to_be_that()
    {
        using ApplicationProcess other = await ApplicationProcess.OpenAsync(Database, "PRAGMA locking_mode=exclusive; PRAGMA journal_mode=wal; CREATE TABLE t(x)");

        DatabaseLockedException error = Assert.Throws<DatabaseLockedException>(
            () => DatabaseConnection.Open(Database, TimeSpan.FromMilliseconds(50)));

        Assert.Equal("DatabaseLocked", error.ErrorId);
        Assert.Contains("locking_mode=EXCLUSIVE", error.Message, StringComparison.Ordinal);
        await other.KillAsync();
        using DatabaseConnection connection = DatabaseConnection.Open(Database, TimeSpan.Zero);
        connection.Pin();
    }

    [Theory]
    [InlineData("file")]
    [InlineData("folder")]
    public async Task A_database_that_this_user_may_not_write_is_refused(string what)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/setpriv"))
        {
            output.WriteLine("Not tried: another user can only be taken on by root, with setpriv.");
            return;
        }

        using (Application application = Application.WithPages(Database, 4096))
        {
            application.Fill(1);
        }

        const UnixFileMode everything = (UnixFileMode)0x1FF;
        const UnixFileMode reading = everything & ~(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        File.SetUnixFileMode(_temporary.FullPath, what == "folder" ? reading : everything);
        File.SetUnixFileMode(Database, what == "file" ? reading : everything);
        using ChildProcess child = ChildProcess.Start(
            OpenAndSayAsync, [Database], "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "DOTNET_CLI_HOME=/tmp", "HOME=/tmp");

        string said;
        try
        {
            said = await child.ReadToEndAsync();
        }
        catch (InvalidOperationException e) when (!e.Message.Contains(nameof(DatabaseConnectionTests), StringComparison.Ordinal))
        {
            output.WriteLine($"Not tried: the other user cannot run the tests' own program here. {e.Message}");
            return;
        }

        Assert.StartsWith("DatabaseAccessDenied: ", said, StringComparison.Ordinal);
        Assert.Contains("write access", said, StringComparison.Ordinal);
    }

    [Fact]
    public void It_reads_the_file_by_SQLites_own_handle_and_zeros_behind_its_end()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(4);
        application.Checkpoint();
        using DatabaseConnection connection = DatabaseConnection.Open(Database, TimeSpan.Zero);
        byte[] file = WalSpecimen.ReadShared(Database);
        byte[] read = new byte[file.Length + 5000];
        read.AsSpan().Fill(7);

        connection.ReadFile(0, read);

        Assert.Equal(file.Length, connection.FileLength());
        Assert.Equal(file, read[..file.Length]);
        Assert.True(read.AsSpan(file.Length).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void The_write_lock_keeps_writers_out_and_changes_nothing()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(2);
        using DatabaseConnection connection = DatabaseConnection.Open(Database, TimeSpan.Zero);
        application.Execute("PRAGMA busy_timeout=0");

        Assert.True(connection.TryLockWriters(TimeSpan.Zero));
        Assert.Throws<InvalidOperationException>(() => application.Commit());
        connection.Unpin();
        application.Execute("BEGIN IMMEDIATE; INSERT INTO t(b) VALUES(1)");
        Assert.False(connection.TryLockWriters(TimeSpan.Zero));
        application.Execute("COMMIT");
        Assert.True(connection.TryLockWriters(TimeSpan.Zero));
    }

    private static Task OpenAndSayAsync(string[] args)
    {
        try
        {
            using LeapfrogPins pins = LeapfrogPins.Open(args[0], TimeSpan.Zero);
            Console.WriteLine("open");
        }
        catch (LitestreamException e)
        {
            Console.WriteLine($"{e.ErrorId}: {e.Message}");
        }

        return Task.CompletedTask;
    }

    private DatabaseConnection Open(string name) => DatabaseConnection.Open(_temporary[name], TimeSpan.Zero);
}
