using System.Globalization;
using Litestream.Replication;

namespace Litestream.Tests.Unit.Replication;

/// <summary>A writer in a process of its own that does all that it may, checkpoints of every mode included, while we replicate.</summary>
public sealed class HostileWriterTests
{
    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(32768)]
    [InlineData(65536)]
    [InlineData(1024, 100)]
    [InlineData(4096, 20)]
    public async Task Every_page_arrives(int pageSize, int syncInterval = 0)
    {
        await using ReplicationFolder folder = new();
        string[] options = [.. WriterProcess.Hostile, "--page-size", pageSize.ToString(CultureInfo.InvariantCulture)];
        using (ChildProcess first = WriterProcess.Start(folder.Database, [.. options, "--commits", "1", "--size", "300000"]))
        {
            await first.ReadToEndAsync();
        }

        using ChildProcess writer = WriterProcess.Start(folder.Database, [.. options, "--seconds", "2"]);
        Replicator replicator = await folder.StartAsync(folder.Options with
        {
            CheckpointBytes = 1 << 20,
            BlockingCheckpointBytes = 2 << 20,
            SyncInterval = TimeSpan.FromMilliseconds(syncInterval),
        });

        await writer.ReadToEndAsync();
        await replicator.StopAsync(CancellationToken.None);

        ReplicationStatus status = replicator.Status;
        Assert.Equal(ReplicationState.Stopped, status.State);
        Assert.Null(status.LastError);
        Assert.Equal(0, status.Scans);
        Assert.Equal(1, status.BaseImages);
        Assert.Equal(status.ReplicaTxid, await folder.EqualAsync());
    }
}
