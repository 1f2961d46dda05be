using System.Diagnostics;
using Litestream.Sqlite;
using Litestream.Tests.Unit.Replication;
using static SQLitePCL.raw;

namespace Litestream.Tests.Unit.Sqlite;

/// <summary>Two connections that take turns: at no moment may a frame go that was not looked at.</summary>
public sealed class LeapfrogPinsTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Database => _temporary["app.db"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task Under_a_hostile_writer_every_window_is_proven()
    {
        using (ChildProcess first = WriterProcess.Start(Database, [.. WriterProcess.Hostile, "--commits", "1"]))
        {
            await first.ReadToEndAsync();
        }

        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.FromSeconds(5));
        using WalFile wal = new(Database);
        using WalWindow window = new();
        using ChildProcess writer = WriterProcess.Start(Database, [.. WriterProcess.Hostile, "--seconds", "3", "--seed", "7"]);
        Task<string> written = writer.ReadToEndAsync();
        WalPosition captured = pins.Position;
        uint started = captured.ChangeCounter ?? 0;
        var random = new Random(3);
        int generations = 0;
        long commits = 0;
        bool last = false;
        while (!last)
        {
            last = written.IsCompleted;
            if (random.Next(2) == 0)
            {
                pins.Checkpoint();
            }

            WalPosition next = pins.Leap();
            Assert.True(window.TryScan(wal, captured, next), window.Doubt);
            generations += next.SameGeneration(captured) ? 0 : 1;
            commits += window.Commits;
            captured = next;
        }

        await written;
        Assert.True(generations > 0, "The WAL was never reset: the test shows nothing.");
        Assert.Equal(captured.ChangeCounter - started, (uint)commits);
    }

    [Fact]
    public async Task Between_two_pins_there_is_no_moment_for_a_commit_a_checkpoint_and_a_reset()
    {
        using (Application application = Application.WithPages(Database, 1024))
        {
            application.Fill(1, bytes: 10);
        }

        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.FromSeconds(5));
        using WalFile wal = new(Database);
        using WalWindow window = new();
        using ChildProcess hammer = ChildProcess.Start(CommitAndResetAsync, [Database]);
        Assert.Equal("begun", await hammer.ReadLineAsync());
        Task<string> hammering = hammer.ReadToEndAsync();
        WalPosition captured = pins.Position;
        int generations = 0;
        while (!hammering.IsCompleted)
        {
            WalPosition next = pins.Leap();
            Assert.True(window.TryScan(wal, captured, next), window.Doubt);
            generations += next.SameGeneration(captured) ? 0 : 1;
            captured = next;
        }

        await hammering;
        Assert.True(generations > 0, "The WAL was never reset: the test shows nothing.");
    }

    [Fact]
    public void A_pin_with_frames_that_are_not_copied_keeps_the_WAL()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(3);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);
        WalPosition pinned = pins.Position;
        application.Commit(2);

        CheckpointResult result = pins.Checkpoint();

        Assert.False(result.Complete);
        Assert.Equal(pinned.MaxFrame, (uint)result.CheckpointedFrames);
        Assert.True(pins.Leap().SameGeneration(pinned));
        Assert.True(pins.Checkpoint().Complete);
        WalPosition mark0 = pins.Leap();
        application.Commit();
        WalPosition next = pins.Leap();
        Assert.False(next.SameGeneration(mark0));
        Assert.Equal(mark0.ChangeCounter + 1, next.ChangeCounter);
    }

    [Fact]
    public void Truncate_shrinks_the_file_in_mark_0_and_does_nothing_elsewhere()
    {
        using Application application = Application.WithPages(Database, 4096);
        application.Fill(30);
        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.FromSeconds(1));
        Assert.True(pins.Truncate(TimeSpan.FromSeconds(1)).Busy);
        Assert.True(new FileInfo(Database + "-wal").Length > 30 * 4096);

        pins.Checkpoint();
        WalPosition mark0 = pins.Leap();
        application.Commit();
        Assert.True(pins.Truncate(TimeSpan.FromSeconds(1)).Busy, "A commit after the pin could be lost.");

        Assert.False(pins.Leap().SameGeneration(mark0));
        pins.Checkpoint();
        pins.Leap();
        Assert.False(pins.Truncate(TimeSpan.FromSeconds(1)).Busy);
        Assert.Equal(0, new FileInfo(Database + "-wal").Length);
    }

    [Fact]
    public void A_database_in_another_journal_mode_is_switched()
    {
        using (Application application = new(Database, "PRAGMA journal_mode=delete"))
        {
            application.Fill(3);
        }

        using LeapfrogPins pins = LeapfrogPins.Open(Database, TimeSpan.Zero);

        Assert.Equal("wal", pins.Pinned.JournalMode);
    }

    [Fact]
    public async Task A_writer_that_is_in_a_transaction_is_waited_for_before_the_switch()
    {
        using ApplicationProcess application = await ApplicationProcess.OpenAsync(Database, "PRAGMA journal_mode=delete; CREATE TABLE t(x)");
        await application.ExecuteAsync("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
        Assert.Throws<DatabaseLockedException>(() => LeapfrogPins.Open(Database, TimeSpan.FromMilliseconds(50)));

        Task<LeapfrogPins> opening = Task.Run(() => LeapfrogPins.Open(Database, TimeSpan.FromSeconds(30)));
        Assert.NotSame(opening, await Task.WhenAny(opening, Task.Delay(300)));
        await application.ExecuteAsync("COMMIT");

        using LeapfrogPins pins = await opening;
        Assert.Equal("wal", pins.Pinned.JournalMode);
    }

    private static Task CommitAndResetAsync(string[] args)
    {
        using Application application = new(args[0], "PRAGMA synchronous=off; PRAGMA wal_autocheckpoint=0");
        Console.WriteLine("begun");
        for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin).TotalSeconds < 2;)
        {
            application.Execute("PRAGMA busy_timeout=5000; UPDATE t SET b=randomblob(20); PRAGMA busy_timeout=0");
            application.Checkpoint(SQLITE_CHECKPOINT_RESTART);
        }

        return Task.CompletedTask;
    }
}
