namespace Litestream.Storage;

/// <summary>What one provider of S3 does otherwise than Amazon.</summary>
/// <param name="Provider">Its name.</param>
/// <param name="HostSuffix">How its hosts' names end; empty for any other host.</param>
internal sealed record S3Profile(string Provider, string HostSuffix)
{
    /// <summary>The bucket stands in the path: its host names have no wildcard certificate or DNS.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Gives a Content-MD5 with each PUT, which the provider checks: without it a byte that flips on the way is stored.</summary>
    public bool ContentMd5 { get; init; } = true;

    /// <summary>The region to sign for where none is given.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>Parts of one file, and files, that may be on their way side by side.</summary>
    public int Concurrency { get; init; } = 4;

    // Reasons: what the providers document, and the field reports that Litestream has of them. None is sent aws-chunked trailers:
    // B2, R2, MinIO, Filebase, Tigris and Ceph before 18 refuse or store them.
    private static readonly S3Profile[] All =
    [
        new("Amazon S3", ".amazonaws.com"),
        new("Amazon S3 in China", ".amazonaws.com.cn") { Region = "cn-north-1" },
        new("Cloudflare R2", ".r2.cloudflarestorage.com") { Region = "auto", Concurrency = 2 }, // limits parts in parallel
        new("Backblaze B2", ".backblazeb2.com") { PathStyle = true },
        new("DigitalOcean Spaces", ".digitaloceanspaces.com"),
        new("Tigris", "fly.storage.tigris.dev") { Region = "auto", ContentMd5 = false }, // refuses Content-MD5
        new("Tigris", "t3.storage.dev") { Region = "auto", ContentMd5 = false },
        new("Wasabi", ".wasabisys.com"),
        new("Supabase", ".supabase.co") { PathStyle = true },
        new("Scaleway", ".scw.cloud") { Region = "fr-par" },
        new("Hetzner", ".your-objectstorage.com") { Region = "fsn1" },
        new("Filebase", "s3.filebase.com") { PathStyle = true },
        new("Google Cloud Storage, interoperability mode", "storage.googleapis.com") { Region = "auto", PathStyle = true },
        new("MinIO, Ceph or another server of one's own", "") { PathStyle = true }, // a host name a bucket is seldom set up
    ];

    /// <summary>The profile of an endpoint.</summary>
    /// <param name="endpoint">Null for Amazon.</param>
    public static S3Profile Of(Uri? endpoint) =>
        endpoint is null ? All[0] : All.First(profile => endpoint.Host.EndsWith(profile.HostSuffix, StringComparison.OrdinalIgnoreCase));
}
