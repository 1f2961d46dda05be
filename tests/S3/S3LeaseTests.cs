using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Litestream.Ltx;
using Litestream.Storage;
using Litestream.Tests.Unit.Maintenance;
using S3Location = Litestream.Storage.S3Location;

namespace Litestream.Tests.S3;

/// <summary>Two replicators on one replica never mix.</summary>
[Collection("gateway")]
public sealed class S3LeaseTests(CephGateway gateway)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);
    private static readonly ReplicaOwner Alpha = new("alpha", 1, "/data/app.db", Noon);
    private static readonly ReplicaOwner Beta = new("beta", 2, "/data/app.db", Noon);

    [Fact]
    public async Task It_is_Litestream_s_object_and_goes_when_it_is_given_back()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        using AmazonS3Client client = S3Client.Create(place);
        await using S3ReplicaStore store = new(place, S3Client.Create(place), new ManualClock(Noon));
        await using (await store.AcquireAsync(Alpha, CancellationToken.None))
        {
            using GetObjectResponse response = await client.GetObjectAsync(place.Bucket, "app/lock.json");
            string json = await new StreamReader(response.ResponseStream).ReadToEndAsync();
            Assert.StartsWith("""{"generation":1,"expires_at":"2026-03-04T12:00:30Z","owner":"alpha:1",""", json, StringComparison.Ordinal);
        }

        Assert.Empty((await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = place.Bucket })).S3Objects ?? []);
    }

    [Fact]
    public async Task A_service_that_knows_no_conditions_still_lets_only_one_write()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 1) { Spoils = false, KnowsNoConditions = true };
        S3Location behind = place with { Endpoint = proxy.Endpoint };
        await using S3ReplicaStore first = new(behind, S3Client.Create(behind), new ManualClock(Noon));
        await using S3ReplicaStore second = new(behind, S3Client.Create(behind), new ManualClock(Noon));
        await using (await first.AcquireAsync(Alpha, CancellationToken.None))
        {
            Assert.Contains("alpha", await ReadLockAsync(place), StringComparison.Ordinal);
            ReplicaInUseException refused = await Assert.ThrowsAsync<ReplicaInUseException>(() => second.AcquireAsync(Beta, CancellationToken.None));
            Assert.Contains("alpha", refused.Message, StringComparison.Ordinal);
            await PutAsync(first, 1);
        }

        await using IReplicaLease lease = await second.AcquireAsync(Beta, CancellationToken.None);
        Assert.Contains("beta", await ReadLockAsync(place), StringComparison.Ordinal);
        Assert.True(proxy.Unconditional >= 2, "no conditional request was made");
    }

    [Fact]
    public async Task It_is_renewed_by_writing_and_asks_nothing_while_idle()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        ManualClock clock = new(Noon);
        await using S3ReplicaStore store = new(place, S3Client.Create(place), clock);
        await using IReplicaLease lease = await store.AcquireAsync(Alpha, CancellationToken.None);
        string first = await ReadLockAsync(place);

        clock.Advance(TimeSpan.FromSeconds(9));
        await PutAsync(store, 1);
        Assert.Equal(first, await ReadLockAsync(place));

        clock.Advance(TimeSpan.FromSeconds(2));
        await PutAsync(store, 2);
        Assert.Contains("12:00:41", await ReadLockAsync(place), StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromHours(5)); // idle: it has run out, nobody took it, and it is still ours to renew
        await PutAsync(store, 3);
        Assert.Contains("17:00:41", await ReadLockAsync(place), StringComparison.Ordinal);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lease_that_another_took_is_lost_and_nothing_is_written_any_more()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        ManualClock clock = new(Noon);
        await using S3ReplicaStore first = new(place, S3Client.Create(place), clock);
        await using S3ReplicaStore second = new(place, S3Client.Create(place), clock);
        await using IReplicaLease lease = await first.AcquireAsync(Alpha, CancellationToken.None);
        await PutAsync(first, 1);
        clock.Advance(TimeSpan.FromSeconds(31));
        await using IReplicaLease its = await second.AcquireAsync(Beta, CancellationToken.None);

        foreach (Func<Task> change in new Func<Task>[]
        {
            () => PutAsync(first, 2),
            () => first.DeleteAsync(0, new LtxFileName(1, 1), CancellationToken.None),
            () => first.CopyAsync(0, 1, new LtxFileName(1, 1), Noon, CancellationToken.None),
        })
        {
            ReplicaInUseException error = await Assert.ThrowsAsync<ReplicaInUseException>(change);
            Assert.Contains("beta", error.Message, StringComparison.Ordinal);
        }

        Assert.True(lease.Lost.IsCancellationRequested);
        await PutAsync(second, 2);
        await lease.DisposeAsync(); // gives back nothing that is not ours
        Assert.Contains("beta:2", await ReadLockAsync(place), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_has_waited_for_its_turn_until_another_took_the_lease_does_not_appear()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        ManualClock clock = new(Noon);
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 1) { Spoils = false };
        S3Location behind = place with { Endpoint = proxy.Endpoint };
        await using S3ReplicaStore first = new(behind, S3Client.Create(behind), clock);
        await using S3ReplicaStore second = new(place, S3Client.Create(place), clock);
        await using IReplicaLease lease = await first.AcquireAsync(Alpha, CancellationToken.None);
        TaskCompletionSource turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task waiting = first.PutInTurnAsync(
            0, new LtxFileName(1, 1), Noon, 300_000, (stream, cancel) => stream.WriteAsync(new byte[300_000], cancel).AsTask(), turn.Task, CancellationToken.None);
        while (proxy.Carried < 290_000)
        {
            await Task.Delay(20);
        }

        clock.Advance(TimeSpan.FromSeconds(31));
        await using IReplicaLease its = await second.AcquireAsync(Beta, CancellationToken.None);
        turn.SetResult();

        await Assert.ThrowsAsync<ReplicaInUseException>(() => waiting);
        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Empty(await ReplicaListing.ReadAsync(second, CancellationToken.None));
    }

    [Fact]
    public async Task Of_many_that_want_an_expired_lease_one_gets_it()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        ManualClock clock = new(Noon);
        await using S3ReplicaStore old = new(place, S3Client.Create(place), clock);
        await old.AcquireAsync(Alpha, CancellationToken.None);
        clock.Advance(TimeSpan.FromMinutes(1));

        S3ReplicaStore[] stores = [.. Enumerable.Range(0, 12).Select(_ => new S3ReplicaStore(place, S3Client.Create(place), clock))];
        bool[] got = await Task.WhenAll(stores.Select(async store =>
        {
            try
            {
                await store.AcquireAsync(Beta, CancellationToken.None);
                return true;
            }
            catch (ReplicaInUseException)
            {
                return false;
            }
        }));

        Assert.Single(got, true);
        foreach (S3ReplicaStore store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("""{"generation":7,"expires_at":"2026-03-04T12:00:20Z","owner":"gamma:9"}""", true)]
    [InlineData("""{"generation":7,"expires_at":"2026-03-04T11:59:59Z","owner":"gamma:9"}""", false)]
    [InlineData("not a lease", false)]
    public async Task A_lease_of_Litestream_s_own_is_respected_while_it_holds(string json, bool holds)
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        using AmazonS3Client client = S3Client.Create(place);
        await client.PutObjectAsync(new PutObjectRequest { BucketName = place.Bucket, Key = "app/lock.json", ContentBody = json, UseChunkEncoding = false });
        await using S3ReplicaStore store = new(place, S3Client.Create(place), new ManualClock(Noon));

        if (holds)
        {
            ReplicaInUseException error = await Assert.ThrowsAsync<ReplicaInUseException>(() => store.AcquireAsync(Alpha, CancellationToken.None));
            Assert.Contains("process 9 on gamma", error.Message, StringComparison.Ordinal);
        }
        else
        {
            await using IReplicaLease lease = await store.AcquireAsync(Alpha, CancellationToken.None);
            Assert.Contains(json.StartsWith('{') ? "\"generation\":8" : "\"generation\":1", await ReadLockAsync(place), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_crashed_process_of_this_machine_holds_nothing()
    {
        if (!File.Exists("/etc/machine-id"))
        {
            return; // without a machine id no process is ever taken for ended: the lease runs out
        }

        S3Location place = await gateway.NewPlaceAsync("app");
        ManualClock clock = new(Noon);
        await using S3ReplicaStore first = new(place, S3Client.Create(place), clock);
        await first.AcquireAsync(Alpha, CancellationToken.None);
        string json = await ReadLockAsync(place);
        int at = json.IndexOf("\"process\":\"", StringComparison.Ordinal);
        string[] parts = json[(at + 11)..json.IndexOf('"', at + 11)].Split('/');
        using AmazonS3Client client = S3Client.Create(place);
        await using S3ReplicaStore second = new(place, S3Client.Create(place), clock);

        await PutLockAsync($"{parts[0]}/{parts[1]}/{long.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture) - TimeSpan.TicksPerHour}/x");
        await using IReplicaLease lease = await second.AcquireAsync(Beta, CancellationToken.None); // the number is another process' now
        await PutLockAsync($"another-machine/{parts[1]}/1/x");
        await using S3ReplicaStore third = new(place, S3Client.Create(place), clock);
        await Assert.ThrowsAsync<ReplicaInUseException>(() => third.AcquireAsync(Beta, CancellationToken.None));

        Task PutLockAsync(string process) => client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = place.Bucket,
            Key = "app/lock.json",
            ContentBody = json[..at] + $"\"process\":\"{process}\"}}",
            UseChunkEncoding = false,
        });
    }

    private static async Task<string> ReadLockAsync(S3Location place)
    {
        using AmazonS3Client client = S3Client.Create(place);
        using GetObjectResponse response = await client.GetObjectAsync(place.Bucket, "app/lock.json");
        using MemoryStream content = new();
        await response.ResponseStream.CopyToAsync(content);
        return Encoding.UTF8.GetString(content.ToArray());
    }

    private static Task PutAsync(IReplicaStore store, ulong txid) => store.PutAsync(
        0, new LtxFileName(txid, txid), Noon, 1, (stream, cancel) => stream.WriteAsync(new byte[1], cancel).AsTask(), CancellationToken.None);
}
