using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Litestream.Ltx;
using Litestream.Storage;
using S3Location = Litestream.Storage.S3Location;

namespace Litestream.Tests.S3;

/// <summary>What a bucket does beyond the promises of every backend.</summary>
[Collection("gateway")]
public sealed class S3StoreTests(CephGateway gateway)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, 123, TimeSpan.Zero);
    private static readonly ReplicaOwner Owner = ReplicaOwner.Current("/data/app.db", DateTimeOffset.UnixEpoch);

    [Fact]
    public async Task Keys_and_metadata_are_Litestream_s()
    {
        S3Location place = await gateway.NewPlaceAsync("backups/app");
        await using IReplicaStore store = place.Open();
        await PutAsync(store, 9, new LtxFileName(1, 0xAB), new byte[10]);

        using AmazonS3Client client = S3Client.Create(place);
        GetObjectMetadataResponse head = await client.GetObjectMetadataAsync(place.Bucket, "backups/app/0009/0000000000000001-00000000000000ab.ltx");
        Assert.Equal("2026-03-04T12:00:00.123Z", head.Metadata["litestream-timestamp"]);
    }

    [Fact]
    public async Task A_large_file_goes_up_in_parts_and_comes_back_whole()
    {
        S3Location place = (await gateway.NewPlaceAsync()) with { PartSize = S3Location.MinPartSize };
        await using IReplicaStore store = place.Open();
        byte[] block = new byte[1 << 20];
        new Random(3).NextBytes(block);
        const int blocks = 200;
        await store.PutAsync(9, new LtxFileName(1, 1), DateTimeOffset.UnixEpoch, null, async (stream, cancel) =>
        {
            for (int i = 0; i < blocks; i++)
            {
                block[0] = (byte)i;
                await stream.WriteAsync(block, cancel);
            }
        }, CancellationToken.None);

        await using Stream read = await store.OpenReadAsync(9, new LtxFileName(1, 1), 0, null, CancellationToken.None);
        byte[] got = new byte[block.Length];
        for (int i = 0; i < blocks; i++)
        {
            await read.ReadExactlyAsync(got);
            block[0] = (byte)i;
            Assert.True(block.AsSpan().SequenceEqual(got));
        }

        Assert.Equal(0, await read.ReadAsync(got));
    }

    [Fact]
    public async Task What_a_crashed_writer_left_of_an_upload_is_aborted_by_the_next_and_no_other_s()
    {
        S3Location place = await gateway.NewPlaceAsync("app");
        using AmazonS3Client client = S3Client.Create(place);
        foreach (string key in new[] { "app/0009/0000000000000001-0000000000000001.ltx", "app/other/file", "app2/0009/0000000000000001-0000000000000001.ltx" })
        {
            await client.InitiateMultipartUploadAsync(place.Bucket, key);
        }

        await using IReplicaStore store = place.Open();
        await using IReplicaLease lease = await store.AcquireAsync(Owner, CancellationToken.None);

        ListMultipartUploadsResponse left = await client.ListMultipartUploadsAsync(place.Bucket);
        Assert.Equal(["app/other/file", "app2/0009/0000000000000001-0000000000000001.ltx"], left.MultipartUploads.Select(upload => upload.Key).Order());
    }

    [Fact]
    public async Task A_failed_large_write_leaves_no_upload_behind()
    {
        S3Location place = (await gateway.NewPlaceAsync()) with { PartSize = S3Location.MinPartSize };
        await using IReplicaStore store = place.Open();
        await Assert.ThrowsAsync<EndOfStreamException>(() => store.PutAsync(0, new LtxFileName(1, 1), DateTimeOffset.UnixEpoch, null, async (stream, cancel) =>
        {
            await stream.WriteAsync(new byte[12 << 20], cancel);
            throw new EndOfStreamException();
        }, CancellationToken.None));

        using AmazonS3Client client = S3Client.Create(place);
        Assert.Empty((await client.ListMultipartUploadsAsync(place.Bucket)).MultipartUploads ?? []);
    }

    [Fact]
    public async Task A_file_replaced_while_it_is_read_is_never_mixed()
    {
        S3Location place = await gateway.NewPlaceAsync();
        await using IReplicaStore store = place.Open();
        await PutAsync(store, 0, new LtxFileName(1, 1), new byte[30 << 20]);
        await using Stream read = await store.OpenReadAsync(0, new LtxFileName(1, 1), 0, null, CancellationToken.None);
        byte[] buffer = new byte[1 << 20];
        await read.ReadExactlyAsync(buffer);
        byte[] other = new byte[30 << 20];
        other.AsSpan().Fill(7);
        await PutAsync(store, 0, new LtxFileName(1, 1), other);

        // The old version to its end, where the connection still gives it, or an error; never the other's bytes.
        try
        {
            while (await read.ReadAsync(buffer) is var count and > 0)
            {
                Assert.Equal(-1, buffer.AsSpan(0, count).IndexOfAnyExcept((byte)0));
            }
        }
        catch (ReplicaFileNotFoundException)
        {
        }
    }

    [Fact]
    public async Task A_wrong_secret_and_a_missing_bucket_are_said_and_no_secret_is_shown()
    {
        S3Location place = await gateway.NewPlaceAsync();
        await using IReplicaStore wrong = (place with { Credentials = new S3Credentials("TESTS", "another-secret") }).Open();
        ReplicaAccessDeniedException refused = await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => wrong.AcquireAsync(Owner, CancellationToken.None));
        Assert.Contains("secret key does not fit", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another-secret", refused.ToString(), StringComparison.Ordinal);

        await using IReplicaStore nowhere = (place with { Bucket = "no-such-bucket" }).Open();
        ReplicaAccessDeniedException missing = await Assert.ThrowsAsync<ReplicaAccessDeniedException>(() => nowhere.AcquireAsync(Owner, CancellationToken.None));
        Assert.Contains("no such bucket", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_listening_is_worth_another_try()
    {
        await using IReplicaStore store = new S3Location("bucket", "") { Endpoint = new Uri("http://127.0.0.1:9"), Credentials = CephGateway.Key }.Open();
        await Assert.ThrowsAsync<ReplicaUnreachableException>(() => store.AcquireAsync(Owner, CancellationToken.None));
    }

    [Fact]
    public async Task A_file_s_time_is_asked_for_once_and_only_where_it_matters()
    {
        S3Location place = await gateway.NewPlaceAsync();
        AmazonS3Client client = S3Client.Create(place);
        int heads = 0;
        client.BeforeRequestEvent += (_, request) => heads += request is WebServiceRequestEventArgs { Request: GetObjectMetadataRequest } ? 1 : 0;
        await using S3ReplicaStore reader = new(place, client, TimeProvider.System);
        await using (IReplicaStore writer = place.Open())
        {
            for (ulong txid = 1; txid <= 20; txid++)
            {
                await PutAsync(writer, 0, new LtxFileName(txid, txid), new byte[10]);
            }
        }

        List<ReplicaFile> roughly = await ReplicaListing.ReadRoughlyAsync(reader, CancellationToken.None);
        Assert.Equal((20, 0), (roughly.Count, heads));
        Assert.Equal(Noon, await reader.TimeOfAsync(roughly[^1], CancellationToken.None));
        Assert.Equal(1, heads);
        Assert.All(await ReplicaListing.ReadAsync(reader, CancellationToken.None), file => Assert.Equal(Noon, file.Timestamp));
        Assert.Equal(20, heads);
        await PutAsync(reader, 1, new LtxFileName(1, 20), new byte[10]);
        Assert.Equal(21, (await ReplicaListing.ReadAsync(reader, CancellationToken.None)).Count);
        Assert.Equal(20, heads); // what we wrote ourselves is known
    }

    private static Task PutAsync(IReplicaStore store, int level, LtxFileName name, byte[] content) => store.PutAsync(
        level,
        name,
        Noon,
        content.Length,
        (stream, cancel) => stream.WriteAsync(content, cancel).AsTask(),
        CancellationToken.None);
}
