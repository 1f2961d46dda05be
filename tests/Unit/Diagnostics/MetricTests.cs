using Litestream.Diagnostics;
using Litestream.Replication;
using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Litestream.Tests.Unit.Sqlite;

namespace Litestream.Tests.Unit.Diagnostics;

public sealed class MetricTests
{
    [Fact]
    public void Text_is_as_Prometheus_reads_it()
    {
        KeyValuePair<string, string> db = new("db", "/a \"b\"\\c\nd");
        MetricSample[] samples =
        [
            new("litestream_txid", "gauge", "The last\\one", "litestream_txid", [db], 7),
            new("x_seconds", "histogram", "Time", "x_seconds_bucket", [new("le", "0.5")], 1),
            new("x_seconds", "histogram", "Time", "x_seconds_sum", [], 0.25),
        ];

        Assert.Equal(
            """
            # HELP litestream_txid The last\\one
            # TYPE litestream_txid gauge
            litestream_txid{db="/a \"b\"\\c\nd"} 7
            # HELP x_seconds Time
            # TYPE x_seconds histogram
            x_seconds_bucket{le="0.5"} 1
            x_seconds_sum 0.25

            """,
            PrometheusText.Write(samples));
    }

    [Fact]
    public async Task What_a_replication_does_is_counted_and_what_has_ended_is_not_shown()
    {
        using MetricReader reader = new();
        await using ReplicationFolder folder = new();
        using ApplicationProcess application = await folder.OpenApplicationAsync(rows: 20);
        Replicator replicator = await folder.StartAsync();
        await application.ExecuteAsync("INSERT INTO t(b) VALUES(1)");
        await replicator.SyncAsync(CancellationToken.None);

        IReadOnlyList<MetricSample> samples = reader.Read();
        ReplicationStatus status = replicator.Status;
        Assert.Equal(status.CapturedTxid, Of("litestream_txid"));
        Assert.Equal(status.ReplicaTxid, Of("litestream_replica_txid"));
        Assert.Equal(new FileInfo(folder.Database).Length, Of("litestream_db_size"));
        Assert.Equal(new FileInfo(folder.Database + "-wal").Length, Of("litestream_wal_size"));
        Assert.Equal(1, Of("litestream_up"));
        Assert.Equal(0, Of("litestream_lag_seconds"));
        Assert.InRange(Of("litestream_sync_count"), 1, 100);
        Assert.InRange(Of("litestream_total_wal_bytes"), 4096, 1 << 20);
        Assert.InRange(Of("litestream_last_sync_timestamp_seconds"), DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);

        await replicator.DisposeAsync();
        Assert.DoesNotContain(reader.Read(), sample => sample.Kind == "gauge" && IsOurs(sample));

        double Of(string name) => Assert.Single(samples, sample => sample.Name == name && IsOurs(sample)).Value;
        bool IsOurs(MetricSample sample) => sample.Labels.Any(label => label.Key == "db" && label.Value == folder.Database);
    }

    [Fact]
    public async Task A_write_that_is_given_up_because_of_another_is_no_error_of_its_own()
    {
        using MetricReader reader = new();
        using TemporaryFolder folder = new();
        await using MeasuredStore store = new(ReplicaLocation.Parse(folder["r"]).Open(), "given up");
        await Assert.ThrowsAsync<TimeoutException>(() => store.PutInTurnAsync(
            0, new(2, 2), DateTimeOffset.UtcNow, 1, (stream, stop) => stream.WriteAsync(new byte[1], stop).AsTask(), Task.FromException(new TimeoutException()), CancellationToken.None));

        MetricSample[] samples = [.. reader.Read().Where(sample => sample.Labels.Contains(new("replica_type", "given up")))];
        Assert.Equal(1, Assert.Single(samples, sample => sample.Name == "litestream_replica_operation_total").Value);
        Assert.DoesNotContain(samples, sample => sample.Name == "litestream_replica_operation_errors_total");
    }

    [Fact]
    public async Task Operations_on_a_replica_are_counted_with_their_bytes_times_and_errors()
    {
        using MetricReader reader = new();
        using TemporaryFolder folder = new();
        await using IReplicaStore store = new MeasuredStore(ReplicaLocation.Parse(folder["r"]).Open(), "tried");
        Litestream.Ltx.LtxFileName name = new(1, 1);
        await store.PutAsync(0, name, DateTimeOffset.UtcNow, null, (stream, stop) => stream.WriteAsync(new byte[1000], stop).AsTask(), CancellationToken.None);
        await using (Stream stream = await store.OpenReadAsync(0, name, 100, null, CancellationToken.None))
        {
            Assert.Equal(900, await stream.ReadAtLeastAsync(new byte[2000], 2000, throwOnEndOfStream: false));
        }

        await Assert.ThrowsAsync<ReplicaFileNotFoundException>(() => store.OpenReadAsync(0, new(2, 2), 0, null, CancellationToken.None));

        IReadOnlyList<MetricSample> samples = [.. reader.Read().Where(sample => sample.Labels.Contains(new("replica_type", "tried")))];
        Assert.Equal([("PUT", 1000), ("GET", 900)], Of("litestream_replica_operation_bytes").OrderByDescending(sample => sample.Value).Select(sample => (Operation(sample), (int)sample.Value)));
        Assert.Equal(["GET 2", "PUT 1"], Of("litestream_replica_operation_total").Select(sample => $"{Operation(sample)} {sample.Value}"));
        MetricSample error = Assert.Single(Of("litestream_replica_operation_errors_total"));
        Assert.Equal(("GET", 1), (Operation(error), error.Value));
        Assert.Contains(new("code", "ReplicaFileNotFound"), error.Labels);
        Assert.Equal(
            ["0.01", "0.05", "0.1", "0.5", "1", "5", "10", "30", "60", "+Inf"],
            Of("litestream_replica_operation_duration_seconds_bucket").Where(sample => Operation(sample) == "PUT").Select(sample => sample.Labels.Single(label => label.Key == "le").Value));
        Assert.Equal(2, Of("litestream_replica_operation_duration_seconds_bucket").Single(sample => Operation(sample) == "GET" && sample.Labels.Contains(new("le", "+Inf"))).Value);

        IEnumerable<MetricSample> Of(string family) => samples.Where(sample => sample.Name == family);
        static string Operation(MetricSample sample) => sample.Labels.Single(label => label.Key == "operation").Value;
    }
}
