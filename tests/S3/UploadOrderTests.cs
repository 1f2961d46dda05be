using System.Diagnostics;
using System.Globalization;
using Amazon.S3;
using Litestream.Ltx;
using Litestream.Storage;
using Litestream.Tests.Unit.Replication;
using Xunit.Abstractions;

namespace Litestream.Tests.S3;

/// <summary>Files that wait go to a bucket side by side, and are seen there one behind the other, whatever becomes of the connections.</summary>
[Collection("gateway")]
public sealed class UploadOrderTests(CephGateway gateway, ITestOutputHelper output)
{
    private const int PartSize = S3Location.MinPartSize;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly ReplicaOwner Owner = ReplicaOwner.Current("/data/app.db", DateTimeOffset.UnixEpoch);
    private static readonly LtxFileName Name = new(1, 1);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Over_a_long_line_none_is_seen_without_the_one_before_it(int concurrency)
    {
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 1) { Spoils = false, Latency = TimeSpan.FromMilliseconds(50) };
        await SendWatchedAsync(proxy, concurrency, [.. Enumerable.Repeat(3000, 20), .. Enumerable.Repeat(300_000, 20), PartSize + 1_000_000, 3000]);
    }

    [Fact]
    public async Task Over_connections_that_break_none_is_seen_without_the_one_before_it()
    {
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 11);
        await SendWatchedAsync(proxy, 4, Enumerable.Range(1, 200).Select(i => i % 3 == 0 ? 200_000 : 3000));
        Assert.True(proxy.Done.GetValueOrDefault(FaultProxy.Fault.CutRequest) > 0, "no request was cut");
    }

    [Fact]
    public async Task A_service_that_does_not_wait_for_the_last_byte_is_sent_the_file_again()
    {
        await using FaultProxy proxy = new(gateway.Endpoint, seed: 1) { Spoils = false };
        S3Location place = await gateway.NewPlaceAsync("app");
        await using IReplicaStore store = (place with { Endpoint = proxy.Endpoint }).Open();
        TaskCompletionSource turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] content = StagedBacklog.Content(1, 300_000);
        Task sending = PutAsync(store, content, turn.Task, CancellationToken.None);
        await UntilAsync(() => proxy.Carried > 290_000);

        proxy.Refusal = (400, "RequestTimeout"); // ends the connections that stand
        proxy.Refusal = null;
        Assert.False(sending.IsCompleted);
        turn.SetResult();
        await sending.WaitAsync(Patience);

        Assert.Equal(content, await ReadAsync(store));
    }

    [Fact]
    public async Task Parts_that_wait_are_no_file_and_go_when_they_are_given_up()
    {
        S3Location place = (await gateway.NewPlaceAsync("app")) with { PartSize = PartSize };
        await using IReplicaStore store = place.Open();
        using AmazonS3Client client = S3Client.Create(place);
        using CancellationTokenSource end = new();
        TaskCompletionSource never = new();
        Task sending = PutAsync(store, new byte[PartSize + 1_000_000], never.Task, end.Token);
        string key = $"app/0000/{Name}";
        await UntilAsync(() => PartsAsync().GetAwaiter().GetResult() == 2);
        Assert.Empty(await ReplicaListing.ReadAsync(store, CancellationToken.None));

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Empty((await client.ListMultipartUploadsAsync(place.Bucket)).MultipartUploads ?? []);

        async Task<int> PartsAsync()
        {
            List<Amazon.S3.Model.MultipartUpload> uploads = (await client.ListMultipartUploadsAsync(place.Bucket)).MultipartUploads ?? [];
            return uploads.Count == 0 ? 0 : (await client.ListPartsAsync(place.Bucket, key, uploads[0].UploadId)).Parts?.Count ?? 0;
        }
    }

    private async Task SendWatchedAsync(FaultProxy proxy, int concurrency, IEnumerable<int> lengths)
    {
        using TemporaryFolder folder = new();
        S3Location place = (await gateway.NewPlaceAsync("app")) with { PartSize = PartSize };
        await using IReplicaStore store = (place with { Endpoint = proxy.Endpoint, Concurrency = concurrency }).Open();
        await using IReplicaLease lease = await store.AcquireAsync(Owner, CancellationToken.None);
        StagedBacklog backlog = new(folder["app.db"], store);
        int[] all = [.. lengths];
        backlog.Add(all);
        await using BucketWatch watch = new(place);
        long begin = Stopwatch.GetTimestamp();
        await backlog.SendAllAsync().WaitAsync(Patience);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{all.Length} files, {concurrency} at once: {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s; {watch.Changes} listings; {string.Join(", ", proxy.Done)}; {backlog.Board.Status.LastErrorId}"));
        await watch.EndAsync();
        Assert.True(watch.Changes > 3, $"only {watch.Changes} listings told anything");
        Assert.Equal(backlog.Captured, backlog.Board.Status.ReplicaTxid);
        await using IReplicaStore reader = place.Open();
        for (int i = 0; i < all.Length; i++)
        {
            ulong txid = (ulong)i + 1;
            await using Stream stream = await reader.OpenReadAsync(0, new LtxFileName(txid, txid), 0, null, CancellationToken.None);
            using MemoryStream content = new();
            await stream.CopyToAsync(content);
            Assert.True(StagedBacklog.Content(txid, all[i]).AsSpan().SequenceEqual(content.ToArray()), $"the file of transaction {txid} holds something else");
        }
    }

    private static Task PutAsync(IReplicaStore store, byte[] content, Task turn, CancellationToken cancellationToken) => store.PutInTurnAsync(
        0, Name, DateTimeOffset.UnixEpoch, content.Length, (stream, cancel) => stream.WriteAsync(content, cancel).AsTask(), turn, cancellationToken);

    private static async Task<byte[]> ReadAsync(IReplicaStore store)
    {
        await using Stream stream = await store.OpenReadAsync(0, Name, 0, null, CancellationToken.None);
        using MemoryStream content = new();
        await stream.CopyToAsync(content);
        return content.ToArray();
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        long begin = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience / 4, "it did not come to hold");
            await Task.Delay(20);
        }
    }
}
