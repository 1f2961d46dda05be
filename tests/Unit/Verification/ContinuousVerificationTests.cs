using Litestream.Replication;
using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Sqlite;
using Litestream.Verification;

namespace Litestream.Tests.Unit.Verification;

/// <summary>The test of each replica that runs beside the replication, and what the status says of it.</summary>
public sealed class ContinuousVerificationTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task Every_destination_is_compared_with_the_live_database_while_it_is_written()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        ReplicationOptions options = Options(folder);
        Replicator replicator = folder.Create(options);
        Task starting = replicator.StartAsync(CancellationToken.None);
        await using ContinuousVerification verification = ContinuousVerification.Start(replicator, options, starting);
        while (replicator.Status.LastVerifyOutcome is null || replicator.Status.LastVerifiedAt is null)
        {
            await application.ExecuteAsync("UPDATE t SET b=randomblob(4000) WHERE id % 7 = 0");
            Assert.Null(replicator.Status.LastVerifyError);
        }

        ReplicationStatus status = replicator.Status;
        Assert.Equal((VerificationOutcome.Pass, ReplicationState.Streaming), (status.LastVerifyOutcome, status.State));
        Assert.All(status.Destinations, place => Assert.InRange(place.VerifiedTxid, 1ul, status.CapturedTxid));
    }

    [Fact]
    public async Task A_damaged_replica_shows_until_a_later_test_passes_and_the_other_goes_on()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 50);
        ReplicationOptions options = Options(folder);
        Replicator replicator = await folder.StartAsync(options);
        await using ContinuousVerification verification = ContinuousVerification.Start(replicator, options, Task.CompletedTask);
        await Until.HoldsAsync(() => replicator.Status.LastVerifiedAt is not null, () => replicator.Status);

        string file = Directory.GetFiles(folder["second"], "*.ltx", SearchOption.AllDirectories).MaxBy(path => new FileInfo(path).Length)!;
        byte[] good = await File.ReadAllBytesAsync(file);
        byte[] bad = [.. good];
        bad[bad.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bad);
        await Until.HoldsAsync(() => replicator.Status.State == ReplicationState.Damaged, () => replicator.Status);
        ReplicationStatus status = replicator.Status;
        Assert.Equal(VerificationOutcome.Fail, status.LastVerifyOutcome);
        Assert.Contains(Path.GetFileName(file), status.LastVerifyError, StringComparison.Ordinal);
        Assert.Equal([ReplicationState.Streaming, ReplicationState.Damaged], status.Destinations.Select(place => place.State));

        // Where it cannot be tested, what was found stands.
        replicator.NoteVerification(1, VerificationOutcome.Inconclusive, 0, "away");
        Assert.Equal(VerificationOutcome.Fail, replicator.Status.LastVerifyOutcome);
        Assert.Contains(Path.GetFileName(file), replicator.Status.LastVerifyError, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(file, good);
        await Until.HoldsAsync(() => replicator.Status is { State: ReplicationState.Streaming, LastVerifyError: null }, () => replicator.Status);
    }

    [Fact]
    public async Task A_replica_that_is_away_is_not_tested_until_it_streams_again()
    {
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 5);
        ReplicationOptions options = Options(folder);
        Replicator replicator = await folder.StartAsync(options);
        await replicator.SyncAsync(CancellationToken.None);
        Directory.Move(folder["second"], folder["away"]);
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await Until.HoldsAsync(() => replicator.Status.Destinations[1].State == ReplicationState.Retrying, () => replicator.Status);
        await using ContinuousVerification verification = ContinuousVerification.Start(replicator, options, Task.CompletedTask);
        await Until.HoldsAsync(() => replicator.Status.Destinations[0].LastVerifiedAt is not null, () => replicator.Status);

        Assert.Equal((null, ReplicationState.Retrying), (replicator.Status.LastVerifiedAt, replicator.Status.State));
        Directory.Move(folder["away"], folder["second"]);
        await Until.HoldsAsync(() => replicator.Status.LastVerifiedAt is not null, () => replicator.Status);
    }

    private static ReplicationOptions Options(ReplicationFolder folder) => folder.Options with
    {
        Destinations = [ReplicaLocation.Parse(folder.Replica), ReplicaLocation.Parse(folder["second"])],
        VerifyInterval = Pause,
    };
}
