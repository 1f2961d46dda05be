using System.Text.Json.Serialization;

namespace Litestream.Storage;

/// <summary>A replica in a bucket of Amazon S3 or of anything that speaks its protocol.</summary>
/// <param name="Bucket">Name of the bucket, or ARN of an access point.</param>
/// <param name="Path">What the keys begin with, without slashes at its ends; empty for the whole bucket.</param>
public sealed record S3Location(string Bucket, string Path) : ReplicaLocation
{
    internal const string Scheme = "s3";

    /// <summary>Smallest part that S3 takes but for the last one, in bytes.</summary>
    internal const int MinPartSize = 5 << 20;

    /// <summary>The service's URL; null for Amazon itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region; null to take the environment's or the provider's usual one.</summary>
    public string? Region { get; init; }

    /// <summary>The bucket's name stands in the path, not in the host's name; null to let the provider's profile decide.</summary>
    public bool? ForcePathStyle { get; init; }

    /// <summary>Storage class of the files; null for the bucket's. Archive classes are refused, since merges read what was written.</summary>
    public string? StorageClass { get; init; }

    /// <summary><c>AES256</c> (SSE-S3) or <c>aws:kms</c>; null for the bucket's own setting.</summary>
    public string? ServerSideEncryption { get; init; }

    /// <summary>The key for <c>aws:kms</c>; null for the account's.</summary>
    public string? KmsKeyId { get; init; }

    /// <summary>The key for SSE-C: 32 bytes in Base64, secret. Needs https.</summary>
    public S3CustomerKey? CustomerKey { get; init; }

    /// <summary>Bytes of a part of a large file: 5 MiB to 64 MiB. A file of up to one part is one request.</summary>
    public int PartSize { get; init; } = 8 << 20;

    /// <summary>Parts of a large file, and captured files that wait, on their way side by side, 1 to 16; null to let the provider's profile decide.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Takes any TLS certificate. For servers of one's own with a certificate of their own.</summary>
    public bool SkipCertificateCheck { get; init; }

    /// <summary>The key; null for <c>LITESTREAM_ACCESS_KEY_ID</c> and <c>LITESTREAM_SECRET_ACCESS_KEY</c>, or else the SDK's chain
    /// (environment, profile, container, instance).</summary>
    public S3Credentials? Credentials { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Address =>
        $"{Scheme}://{Bucket}{(Path.Length > 0 ? "/" : "")}{Path}{(Endpoint is null ? "" : $"?endpoint={Endpoint.OriginalString.TrimEnd('/')}")}";

    /// <inheritdoc/>
    public override ReplicaLocation Below(string relative)
    {
        ArgumentException.ThrowIfNullOrEmpty(relative);
        return this with { Path = Path.Length > 0 ? $"{Path}/{relative}" : relative };
    }

    /// <summary>The profile of the provider.</summary>
    internal S3Profile Profile => S3Profile.Of(Endpoint);

    /// <inheritdoc/>
    public override IReplicaStore Open() => new S3ReplicaStore(this, S3Client.Create(this), TimeProvider.System);
}
