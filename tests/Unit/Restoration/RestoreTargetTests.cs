using System.Diagnostics;
using Litestream.Restoration;
using Litestream.State;
using Litestream.Storage;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Restoration;

/// <summary>What a restore does with what stands at its target.</summary>
public sealed class RestoreTargetTests : IDisposable
{
    private const int NewRows = 300;
    private const int OldRows = 50;

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _temporary = new();
    private readonly ReplicaFolder _replica;
    private readonly byte[] _image;

    public RestoreTargetTests(ITestOutputHelper output)
    {
        _output = output;
        _replica = new ReplicaFolder(_temporary["replica"]);
        _image = SqliteFile.Create(_temporary["live.db"], NewRows);
        _replica.WriteImage(1, _image);
        Directory.CreateDirectory(_temporary["place"]);
    }

    private string Target => _temporary["place", "app.db"];

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(IntegrityCheck.None)]
    [InlineData(IntegrityCheck.Quick)]
    [InlineData(IntegrityCheck.Full)]
    public async Task Result_is_the_image_byte_for_byte_and_nothing_stands_beside_it(IntegrityCheck check)
    {
        await RestoreAsync(check: check);
        AssertRestored();
    }

    [Fact]
    public async Task Odd_names_are_names()
    {
        string odd = _temporary["place", OperatingSystem.IsWindows() ? "a b;c#d%20é.db" : "a b?c#d%20é.db"];
        await RestoreAsync(path: odd, check: IntegrityCheck.Full);
        Assert.Equal(_image, await File.ReadAllBytesAsync(odd));
    }

    [Theory]
    [InlineData("app.db")]
    [InlineData("app.db-wal")]
    [InlineData("app.db-journal")]
    public async Task Anything_at_the_target_is_refused_without_force(string name)
    {
        await File.WriteAllTextAsync(_temporary["place", name], "mine");
        RestoreTargetExistsException e = await Assert.ThrowsAsync<RestoreTargetExistsException>(() => RestoreAsync());
        Assert.Equal(_temporary["place", name], e.File);
        Assert.Equal([_temporary["place", name]], Directory.EnumerateFileSystemEntries(_temporary["place"]));
        Assert.Equal("mine", await File.ReadAllTextAsync(_temporary["place", name]));
    }

    [Fact]
    public async Task Stale_wal_of_a_lost_database_is_not_applied_to_the_restored_one()
    {
        await LeaveWalAsync();
        File.Delete(Target);
        await RestoreAsync(force: true, check: IntegrityCheck.Full);
        AssertRestored();
    }

    [Fact]
    public async Task Database_with_a_wal_that_nobody_has_open_is_replaced_with_force()
    {
        await LeaveWalAsync();
        await RestoreAsync(force: true);
        AssertRestored();
    }

    [Fact]
    public async Task Rollback_database_is_replaced_with_force()
    {
        SqliteFile.Create(Target, OldRows, "delete");
        await RestoreAsync(force: true);
        AssertRestored();
    }

    [Fact]
    public async Task What_is_no_database_is_replaced_with_force_and_its_journals_go()
    {
        await File.WriteAllTextAsync(Target, new string('x', 5000));
        await File.WriteAllTextAsync(Target + "-wal", "y");
        await File.WriteAllTextAsync(Target + "-journal", "z");
        await RestoreAsync(force: true);
        AssertRestored();
    }

    [Fact]
    public async Task Empty_file_is_replaced_with_force()
    {
        await File.WriteAllBytesAsync(Target, []);
        await RestoreAsync(force: true);
        AssertRestored();
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Database_open_in_another_process_is_not_replaced(string mode)
    {
        if (mode == "delete" && !OperatingSystem.IsLinux())
        {
            _output.WriteLine("Not tried: only Linux (/proc) tells who has a database in rollback mode open.");
            return;
        }

        SqliteFile.Create(Target, OldRows, mode);
        using ChildProcess child = ChildProcess.Start(HoldOpen, [Target]);
        Assert.Equal("open", await child.ReadLineAsync());

        RestoreTargetInUseException e = await Assert.ThrowsAsync<RestoreTargetInUseException>(() => RestoreAsync(force: true));
        Assert.Contains(Target, e.Message, StringComparison.Ordinal);
        await child.KillAsync();
        AssertStillOld(mode);

        await RestoreAsync(force: true);
        AssertRestored();
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Database_opened_while_we_restore_is_not_replaced(string mode)
    {
        if (mode == "delete" && !OperatingSystem.IsLinux())
        {
            _output.WriteLine("Not tried: only Linux (/proc) tells who has a database in rollback mode open.");
            return;
        }

        SqliteFile.Create(Target, OldRows, mode);
        ChildProcess? child = null;
        try
        {
            var progress = new AtFlush(() =>
            {
                child = ChildProcess.Start(HoldOpen, [Target]);
                Assert.Equal("open", child.ReadLineAsync().GetAwaiter().GetResult());
            });
            await Assert.ThrowsAsync<RestoreTargetInUseException>(
                () => DatabaseRestorer.RestoreAsync(Options(Target, true, IntegrityCheck.None), progress, CancellationToken.None));
            await child!.KillAsync();
            AssertStillOld(mode);
        }
        finally
        {
            child?.Dispose();
        }
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Database_open_in_this_process_is_not_replaced(string mode)
    {
        if (mode == "delete" && !OperatingSystem.IsLinux())
        {
            _output.WriteLine("Not tried: only Linux (/proc) tells who has a database in rollback mode open.");
            return;
        }

        SqliteFile.Create(Target, OldRows, mode);
        using (SqliteConnection connection = SqliteFile.Open(Target))
        {
            SqliteFile.Insert(connection, 1);
            await Assert.ThrowsAsync<RestoreTargetInUseException>(() => RestoreAsync(force: true));
            SqliteFile.Insert(connection, 1);
            Assert.Equal(OldRows + 2, SqliteFile.Count(connection));
        }

        Assert.Equal(OldRows + 2, SqliteFile.Count(Target));
    }

    [Fact]
    public async Task Link_is_followed_and_stays_a_link()
    {
        SqliteFile.Create(Target, OldRows);
        string link = _temporary["link.db"];
        File.CreateSymbolicLink(link, Target);
        RestoreResult result = await RestoreAsync(path: link, force: true);
        Assert.Equal(Target, result.Path);
        Assert.Equal(Target, new FileInfo(link).LinkTarget);
        AssertRestored();
    }

    [Fact]
    public async Task Folder_as_target_and_missing_folder_are_unusable()
    {
        await Assert.ThrowsAsync<RestoreTargetUnusableException>(() => RestoreAsync(path: _temporary["place"], force: true));
        await Assert.ThrowsAsync<RestoreTargetUnusableException>(() => RestoreAsync(path: _temporary["place"] + "/"));
        await Assert.ThrowsAsync<RestoreTargetUnusableException>(() => RestoreAsync(path: _temporary["none", "app.db"]));
        await Assert.ThrowsAsync<RestoreTargetUnusableException>(() => RestoreAsync(path: "a\0b"));
        Assert.False(Directory.Exists(_temporary["none"]));
    }

    [Fact]
    public async Task Failing_integrity_check_leaves_what_was_there()
    {
        byte[] damaged = [.. _image];
        damaged.AsSpan(512 * 4, 512).Fill(0x5A);
        _replica.WriteImage(2, damaged);
        SqliteFile.Create(Target, OldRows);
        await Assert.ThrowsAsync<IntegrityCheckFailedException>(() => RestoreAsync(force: true, check: IntegrityCheck.Full));
        AssertStillOld("wal");
        await RestoreAsync(force: true); // without a check it is what was asked for
        Assert.Equal(damaged, await File.ReadAllBytesAsync(Target));
    }

    [Fact]
    public async Task Leftovers_of_killed_restores_go_and_those_of_running_ones_stay()
    {
        string dead = Target + ".restoring-999999";
        string alive = Target + ".restoring-999998";
        string foreign = Target + ".restoring-notes";
        await File.WriteAllTextAsync(dead, "");
        await File.WriteAllTextAsync(foreign, "");
        using (new FileStream(alive, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            await RestoreAsync();
            Assert.Equal([Target, alive, foreign], Directory.EnumerateFileSystemEntries(_temporary["place"]).Order());
        }
    }

    [Fact]
    public async Task Two_restores_to_one_target_do_not_meet()
    {
        var started = new AtFlush(() =>
        {
            RestoreTargetInUseException e = Assert.Throws<RestoreTargetInUseException>(() => RestoreAsync().GetAwaiter().GetResult());
            Assert.Contains("Another restore", e.Message, StringComparison.Ordinal);
        });
        await DatabaseRestorer.RestoreAsync(Options(Target, false, IntegrityCheck.None), started, CancellationToken.None);
        AssertRestored();
    }

    [Fact]
    public async Task Full_disk_is_told_with_the_bytes_needed_and_leaves_nothing()
    {
        string disk = _temporary["disk"];
        Directory.CreateDirectory(disk);
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk))
        {
            _output.WriteLine("Not tried: mount refuses a small tmpfs (it needs root on Linux).");
            return;
        }

        try
        {
            RestoreTargetUnusableException e = await Assert.ThrowsAsync<RestoreTargetUnusableException>(
                () => RestoreAsync(path: Path.Combine(disk, "app.db")));
            Assert.Contains($"{_image.Length} bytes", e.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
        }
        finally
        {
            Assert.True(Run("umount", disk));
        }
    }

    [Fact]
    public async Task Failure_just_before_the_rename_leaves_the_old_database_in_wal_mode()
    {
        SqliteFile.Create(Target, OldRows);
        Directory.CreateDirectory(_temporary["place", ".app.db-litestream", "checksums", "in the way"]);
        RestoreOptions options = Options(Target, true, IntegrityCheck.None) with { SeedLocalState = true };
        await Assert.ThrowsAsync<LocalStateException>(() => DatabaseRestorer.RestoreAsync(options, null, CancellationToken.None));
        AssertStillOld("wal");
    }

    [Fact]
    public async Task Kill_at_any_moment_leaves_the_old_or_the_new_database_whole()
    {
        byte[] old = SqliteFile.Create(_temporary["old.db"], OldRows);
        for (int i = 0; i < 8; i++)
        {
            File.Copy(_temporary["old.db"], Target, overwrite: true);
            using ChildProcess child = ChildProcess.Start(RestoreOverAndOver, [_replica.Path, Target, _temporary["old.db"]]);
            Assert.Equal("go", await child.ReadLineAsync());
            await Task.Delay(9 * i);
            await child.KillAsync();

            byte[] left = await File.ReadAllBytesAsync(Target);
            long rows = SqliteFile.Count(Target);
            _output.WriteLine($"Killed after about {9 * i} ms: {rows} rows.");
            Assert.Equal(left.Length == old.Length ? OldRows : NewRows, rows);
            if (rows == NewRows)
            {
                Assert.Equal(_image, left);
                Assert.DoesNotContain(Directory.EnumerateFiles(_temporary["place"]), path => path.EndsWith("-journal", StringComparison.Ordinal));
            }
        }

        await RestoreAsync(force: true);
        AssertRestored();
    }

    internal static async Task RestoreOverAndOver(string[] args)
    {
        await DatabaseRestorer.RestoreAsync(Options(args[0], args[1] + "-first", true, IntegrityCheck.None), null, CancellationToken.None);
        File.Delete(args[1] + "-first");
        Console.WriteLine("go");
        while (true)
        {
            await DatabaseRestorer.RestoreAsync(Options(args[0], args[1], true, IntegrityCheck.None), null, CancellationToken.None);
            File.Copy(args[2], args[2] + ".next", overwrite: true);
            File.Move(args[2] + ".next", args[1], overwrite: true);
        }
    }

    internal static async Task HoldOpen(string[] args)
    {
        using SqliteConnection connection = SqliteFile.Open(args[0]);
        SqliteFile.Count(connection);
        Console.WriteLine("open");
        await Console.In.ReadLineAsync();
    }

    private static RestoreOptions Options(string source, string path, bool force, IntegrityCheck check) => new()
    {
        Source = ReplicaLocation.Parse(source),
        OutputPath = path,
        Force = force,
        IntegrityCheck = check,
        SeedLocalState = false,
    };

    private RestoreOptions Options(string path, bool force, IntegrityCheck check) => Options(_replica.Path, path, force, check);

    private Task<RestoreResult> RestoreAsync(string? path = null, bool force = false, IntegrityCheck check = IntegrityCheck.None) =>
        DatabaseRestorer.RestoreAsync(Options(path ?? Target, force, check), null, CancellationToken.None);

    /// <summary>Leaves a database with committed rows in a WAL that was never folded in, as a crash does.</summary>
    private async Task LeaveWalAsync()
    {
        SqliteFile.Create(Target, OldRows);
        string copy = _temporary["copy-wal"];
        using (SqliteConnection connection = SqliteFile.Open(Target))
        {
            SqliteFile.Run(connection, "PRAGMA wal_autocheckpoint=0");
            SqliteFile.Insert(connection, 400);
            File.Copy(Target + "-wal", copy);
        }

        byte[] wal = await File.ReadAllBytesAsync(copy);
        Assert.True(wal.Length > 10_000);
        await File.WriteAllBytesAsync(Target + "-wal", wal);
    }

    private void AssertRestored()
    {
        Assert.Equal(_image, File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(_temporary["place"]));
        Assert.Equal(NewRows, SqliteFile.Count(Target));
    }

    private void AssertStillOld(string mode)
    {
        Assert.DoesNotContain(Directory.EnumerateFiles(_temporary["place"]), path => path.Contains("restoring", StringComparison.Ordinal));
        using SqliteConnection connection = SqliteFile.Open(Target);
        Assert.Equal(OldRows, SqliteFile.Count(connection));
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode";
        Assert.Equal(mode, command.ExecuteScalar());
    }

    private static bool Run(string program, params string[] args)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Does something when all pages are written and the swap is about to begin.</summary>
    private sealed class AtFlush(Action action) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value)
        {
            if (value.Phase.StartsWith("Flushing", StringComparison.Ordinal))
            {
                action();
            }
        }
    }
}
