using System.Text.Json;
using Litestream.Storage;

namespace Litestream.Tests.Unit.Storage;

public sealed class S3UrlTests
{
    [Theory]
    [InlineData("s3://bucket", "bucket", "")]
    [InlineData("S3://bucket/a/b/", "bucket", "a/b")]
    [InlineData("s3://my.bucket/with%20space+plus", "my.bucket", "with space+plus")]
    [InlineData("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/point/a/b", "arn:aws:s3:eu-west-1:123456789012:accesspoint/point", "a/b")]
    public void Bucket_and_path(string url, string bucket, string path)
    {
        S3Location location = Assert.IsType<S3Location>(ReplicaLocation.Parse(url));
        Assert.Equal((bucket, path), (location.Bucket, location.Path));
    }

    [Fact]
    public void Options_in_both_of_Litestream_s_spellings()
    {
        const string kebab = "s3://b/p?endpoint=minio.local:9000&region=r&force-path-style=false&skip-verify=true&storage-class=STANDARD_IA&part-size=6291456"
            + "&concurrency=3&sse-kms-key-id=k&sign-payload=true";
        const string camel = "s3://b/p?endpoint=minio.local:9000&region=r&forcePathStyle=false&skipVerify=true&storageClass=STANDARD_IA&partSize=6291456"
            + "&concurrency=3&sseKmsKeyId=k&signPayload=true";
        S3Location location = new("b", "p")
        {
            Endpoint = new Uri("https://minio.local:9000"),
            Region = "r",
            ForcePathStyle = false,
            SkipCertificateCheck = true,
            StorageClass = "STANDARD_IA",
            PartSize = 6 << 20,
            Concurrency = 3,
            ServerSideEncryption = "aws:kms",
            KmsKeyId = "k",
        };
        Assert.Equal(location, ReplicaLocation.Parse(kebab));
        Assert.Equal(location, ReplicaLocation.Parse(camel));
        Assert.Equal("s3://b/p?endpoint=https://minio.local:9000", location.ToString());
        Assert.Equal(location with { Endpoint = null }, ReplicaLocation.Parse(kebab.Replace("endpoint=minio.local:9000&", "", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("localhost:9000", "http://localhost:9000/")]
    [InlineData("10.1.2.3:9000", "http://10.1.2.3:9000/")]
    [InlineData("192.168.0.7", "http://192.168.0.7/")]
    [InlineData("s3.example.com", "https://s3.example.com/")]
    [InlineData("http://s3.example.com", "http://s3.example.com/")]
    public void An_endpoint_without_scheme_is_http_for_private_networks_alone(string text, string expected) =>
        Assert.Equal(expected, S3Url.EndpointOf(text).AbsoluteUri);

    [Theory]
    [InlineData("s3://", "no bucket")]
    [InlineData("s3:///path", "no bucket")]
    [InlineData("s3://KEY:secret@bucket/p", "-Credential")]
    [InlineData("s3://b/p?no-such=secret", "'no-such' is not known")]
    [InlineData("s3://b/p?part-size=secret", "whole number")]
    [InlineData("s3://b/p?part-size=1000", "5 MiB to 64 MiB")]
    [InlineData("s3://b/p?force-path-style=secret", "true or false")]
    [InlineData("s3://b/p?storage-class=GLACIER", "cannot be read at once")]
    [InlineData("s3://b/p?endpoint=ftp://secret", "no http or https")]
    [InlineData("s3://b/p?sse-customer-key=secret", "32 bytes in Base64")]
    [InlineData("s3://b/p?endpoint=http://h&sse-customer-key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "needs https")]
    public void What_makes_no_sense_is_refused_without_showing_it(string url, string reason)
    {
        ReplicaLocationException error = Assert.Throws<ReplicaLocationException>(() => ReplicaLocation.Parse(url));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message + error.Replica, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://account.r2.cloudflarestorage.com", "Cloudflare R2")]
    [InlineData("https://s3.us-west-002.backblazeb2.com", "Backblaze B2")]
    [InlineData("https://fly.storage.tigris.dev", "Tigris")]
    [InlineData("https://storage.googleapis.com", "Google Cloud Storage, interoperability mode")]
    [InlineData("http://127.0.0.1:9000", "MinIO, Ceph or another server of one's own")]
    public void A_provider_is_known_by_its_host(string endpoint, string provider) => Assert.Equal(provider, S3Profile.Of(new Uri(endpoint)).Provider);

    [Fact]
    public void Secrets_show_in_no_text_and_go_through_the_pipe()
    {
        S3Location location = new("b", "p")
        {
            Credentials = new S3Credentials("id", "hidden", "token"),
            CustomerKey = new S3CustomerKey("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        };
        Assert.DoesNotContain("hidden", $"{location} {location.Credentials} {location.CustomerKey}", StringComparison.Ordinal);
        Assert.Empty(typeof(S3Credentials).GetProperties());
        Assert.Empty(typeof(S3CustomerKey).GetProperties());
        Assert.Equal(location, JsonSerializer.Deserialize<ReplicaLocation>(JsonSerializer.Serialize<ReplicaLocation>(location)));
    }
}
