using Litestream.Replication;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Replication;

public sealed class CheckpointerTests
{
    private const int CheckpointNoop = -1;

    [Fact]
    public async Task Much_that_waits_uncaptured_is_captured_and_copied_behind_the_write_lock()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(50);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        using var checkpointer = new Checkpointer(rig.Session, folder.Database, folder.Options with { BlockingCheckpointBytes = 100_000 });
        application.Execute("UPDATE t SET b=randomblob(4000)");

        Assert.True(checkpointer.Capture());
        (_, int log, int copied) = application.Checkpoint(CheckpointNoop);
        Assert.True(log > 50 && copied == log, $"{copied} of {log}");
        Assert.False(checkpointer.Capture());

        // The next writer begins the WAL anew, and nobody is kept out.
        application.Commit();
        Assert.InRange(application.Checkpoint(CheckpointNoop).Log, 1, 10);
        Assert.True(checkpointer.Capture());
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Fact]
    public async Task Writers_that_keep_the_lock_do_not_keep_what_is_committed_from_being_captured()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(50);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        using var checkpointer = new Checkpointer(rig.Session, folder.Database, folder.Options with { BlockingCheckpointBytes = 100_000 });
        int before = application.Checkpoint(CheckpointNoop).Copied;
        application.Execute("UPDATE t SET b=randomblob(4000); BEGIN IMMEDIATE");

        Assert.True(checkpointer.Capture());
        Assert.Equal(2ul, rig.Session.Captured.Txid);
        application.Execute("ROLLBACK");
        Assert.Equal(before, application.Checkpoint(CheckpointNoop).Copied);
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }
}
