using Litestream.Replication;
using Litestream.State;
using Litestream.Tests.Unit.Sqlite;
using Xunit.Abstractions;

namespace Litestream.Tests.Unit.Replication;

public sealed class StagingTests(ITestOutputHelper output)
{
    private const int CheckpointNoop = -1;

    [Fact]
    public async Task What_could_not_be_flushed_keeps_its_frames_until_a_replica_has_it()
    {
        if (!File.Exists("/dev/full"))
        {
            output.WriteLine("Not tried: /dev/full, which refuses fsync, is absent.");
            return;
        }

        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        rig.Session.Pins.Checkpoint();
        application.Execute("UPDATE t SET b=randomblob(4000)");
        Assert.True(rig.Session.Capture());
        int copied = application.Checkpoint(CheckpointNoop).Copied;
        string staged = Directory.EnumerateFiles(folder.State, "*.ltx", SearchOption.AllDirectories).Single();
        using var checkpointer = new Checkpointer(rig.Session, folder.Database, folder.Options);

        File.Move(staged, staged + ".whole");
        File.CreateSymbolicLink(staged, "/dev/full");
        Assert.Throws<LocalStateException>(checkpointer.RunWhileIdle);
        Assert.Equal(copied, application.Checkpoint(CheckpointNoop).Copied);

        // A second flush of the same file would prove nothing: the kernel may have dropped what the first one was to write.
        File.Move(staged + ".whole", staged, overwrite: true);
        Assert.Throws<LocalStateException>(checkpointer.RunWhileIdle);
        Assert.Equal(copied, application.Checkpoint(CheckpointNoop).Copied);

        await rig.UploadAsync();
        checkpointer.RunWhileIdle();
        Assert.Equal(application.Checkpoint(CheckpointNoop).Log, application.Checkpoint(CheckpointNoop).Copied);
        Assert.NotEqual(copied, application.Checkpoint(CheckpointNoop).Copied);
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }

    [Fact]
    public async Task A_window_that_could_not_be_staged_is_not_leapt_over()
    {
        await using ReplicationFolder folder = new();
        using Application application = Application.WithPages(folder.Database, 4096);
        application.Fill(5);
        await using CaptureRig rig = await CaptureRig.StartAsync(folder.Database, folder.Replica);
        string staged = Path.Combine(folder.State, "ltx", "0");
        Directory.Move(staged, folder["away"]);
        application.Execute("UPDATE t SET b=randomblob(4000)");
        Assert.Throws<LocalStateException>(() => rig.Session.Capture());
        application.Checkpoint();

        // A leap would land on mark 0 now, and the next commit begin the WAL anew over the window.
        Assert.Throws<LocalStateException>(() => rig.Session.Capture());
        application.Commit();
        Directory.Move(folder["away"], staged);
        Assert.True(rig.Session.Capture());
        Assert.True(rig.Session.Capture());

        Assert.Equal((0, 3ul), (rig.Board.Status.Scans, rig.Session.Captured.Txid));
        application.Dispose();
        await rig.EqualAsync(folder.Database, folder.Replica);
    }
}
