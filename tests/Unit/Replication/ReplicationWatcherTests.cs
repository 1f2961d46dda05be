using Litestream.Replication;

namespace Litestream.Tests.Unit.Replication;

/// <summary>From the states of a replication to what an operator is told.</summary>
public sealed class ReplicationWatcherTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ReplicationWatcher _watcher = new();
    private DateTimeOffset _now = Start;

    [Fact]
    public void Start_and_end_are_told_once_each()
    {
        Assert.Null(Look(ReplicationState.Starting));
        ReplicationEvent started = Look(ReplicationState.Streaming)!;
        Assert.Equal(ReplicationEventKind.Started, started.Kind);
        Assert.Contains("'/a.db' to /r", started.Message, StringComparison.Ordinal);
        Assert.Null(Look(ReplicationState.Streaming));

        ReplicationEvent stopped = Look(ReplicationState.Stopped)!;
        Assert.Equal(ReplicationEventKind.Stopped, stopped.Kind);
        Assert.Contains("as of TXID 7", stopped.Message, StringComparison.Ordinal);
        Assert.Null(Look(ReplicationState.Stopped));
    }

    [Fact]
    public void Short_trouble_is_passed_over()
    {
        Look(ReplicationState.Streaming);
        for (int i = 0; i < 10; i++)
        {
            Assert.Null(Look(ReplicationState.Retrying, after: ReplicationWatcher.Patience - TimeSpan.FromSeconds(1)));
            Assert.Null(Look(ReplicationState.Streaming));
        }
    }

    [Fact]
    public void Long_trouble_is_told_once_and_so_is_its_end()
    {
        Look(ReplicationState.Streaming);
        Assert.Null(Look(ReplicationState.Retrying));
        ReplicationEvent trouble = Look(ReplicationState.Retrying, after: ReplicationWatcher.Patience)!;
        Assert.Equal(ReplicationEventKind.Troubled, trouble.Kind);
        Assert.Contains("since 2026-01-01 00:00:00Z): the disk is full", trouble.Message, StringComparison.Ordinal);
        Assert.Null(Look(ReplicationState.Retrying, after: TimeSpan.FromDays(1)));

        Assert.Equal(ReplicationEventKind.Recovered, Look(ReplicationState.Streaming)!.Kind);
        Assert.Null(Look(ReplicationState.Streaming));
        Assert.Null(Look(ReplicationState.Retrying));
        Assert.Equal(ReplicationEventKind.Troubled, Look(ReplicationState.Retrying, after: ReplicationWatcher.Patience)!.Kind);
    }

    [Fact]
    public void A_start_that_does_not_come_to_stream_is_trouble()
    {
        Assert.Null(Look(ReplicationState.Starting));
        Assert.Equal(ReplicationEventKind.Troubled, Look(ReplicationState.Starting, after: ReplicationWatcher.Patience)!.Kind);
    }

    [Fact]
    public void A_damaged_replica_is_told_at_once()
    {
        Look(ReplicationState.Streaming);
        Assert.Equal(ReplicationEventKind.Troubled, Look(ReplicationState.Damaged)!.Kind);
        Assert.Null(Look(ReplicationState.Damaged));
    }

    [Fact]
    public void A_failure_is_told_at_once_with_its_error_and_a_resumed_replication_starts_again()
    {
        Look(ReplicationState.Streaming);
        ReplicationEvent failed = Look(ReplicationState.Faulted)!;
        Assert.Equal(ReplicationEventKind.Failed, failed.Kind);
        Assert.Contains("(DiskFull): the disk is full", failed.Message, StringComparison.Ordinal);
        Assert.Equal(ReplicationEventKind.Started, Look(ReplicationState.Streaming)!.Kind);
        Assert.Contains("suspended", Look(ReplicationState.Suspended)!.Message, StringComparison.Ordinal);
        Assert.Equal(ReplicationEventKind.Stopped, Look(ReplicationState.Stopped)!.Kind);
    }

    private ReplicationEvent? Look(ReplicationState state, TimeSpan after = default) => _watcher.Look(
        new ReplicationStatus
        {
            DatabasePath = "/a.db",
            Destinations = [new DestinationStatus { Destination = "/r" }],
            State = state,
            ReplicaTxid = 7,
            LastErrorId = "DiskFull",
            LastError = "the disk is full",
        },
        _now += after);
}
