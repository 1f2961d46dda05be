using System.Globalization;
using System.Net;

namespace Litestream.Storage;

/// <summary>
/// <c>s3://bucket/path?endpoint=…</c> as Litestream writes it: options as a query in kebab-case or camelCase; the ARN of an access point
/// may stand in the bucket's place.
/// </summary>
public static class S3Url
{
    private const string ArnStart = "arn:";

    // Reading from them takes hours.
    private static readonly string[] Archives = ["GLACIER", "DEEP_ARCHIVE"];

    /// <summary>Turns the URL into a location.</summary>
    /// <param name="url">As written, the scheme included.</param>
    /// <exception cref="ReplicaLocationException">Not one. The message holds no part of the query, which may hold a key.</exception>
    public static S3Location Parse(string url)
    {
        string rest = url[(S3Location.Scheme.Length + "://".Length)..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string query = question < 0 ? "" : rest[(question + 1)..];
        string place = question < 0 ? rest : rest[..question];
        if (place.Contains('@', StringComparison.Ordinal))
        {
            throw Refuse("The URL has a key in front of the bucket, where it would show in listings and logs. Give it with -Credential, or in "
                + "LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY.");
        }

        (string bucket, string path) = SplitBucket(place);
        if (bucket.Length == 0)
        {
            throw Refuse("The URL names no bucket: s3://bucket/path.");
        }

        S3Location location = new(bucket, WebUtility.UrlDecode(path.Replace("+", "%2B", StringComparison.Ordinal)).Trim('/'));
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string name = WebUtility.UrlDecode(equals < 0 ? pair : pair[..equals]);
            string value = equals < 0 ? "true" : WebUtility.UrlDecode(pair[(equals + 1)..]);
            location = With(location, name, value);
        }

        return Validate(location);
    }

    /// <summary>A location whose settings hold together.</summary>
    /// <param name="location">To be looked at.</param>
    /// <exception cref="ReplicaLocationException">They do not.</exception>
    public static S3Location Validate(S3Location location)
    {
        if (location.StorageClass is { } storageClass && Archives.Contains(storageClass, StringComparer.OrdinalIgnoreCase))
        {
            throw Refuse($"Storage class {storageClass} cannot be read at once, but merges and restores read what was written.");
        }

        if (location.PartSize is < S3Location.MinPartSize or > 64 << 20)
        {
            throw Refuse("A part must be 5 MiB to 64 MiB.");
        }

        if (location.Concurrency is < 1 or > 16)
        {
            throw Refuse("1 to 16 parts can be on their way side by side.");
        }

        bool encrypted = location.Endpoint is null || location.Endpoint.Scheme == Uri.UriSchemeHttps;
        return location.CustomerKey is null || encrypted ? location : throw Refuse("A customer key (SSE-C) is sent with each request, so it needs https.");
    }

    private static (string Bucket, string Path) SplitBucket(string place)
    {
        if (place.StartsWith(ArnStart, StringComparison.OrdinalIgnoreCase))
        {
            // arn:partition:s3:region:account:accesspoint/name[/path]
            string[] parts = place.Split('/', 3);
            return parts.Length < 2 ? ("", "") : ($"{parts[0]}/{parts[1]}", parts.Length > 2 ? parts[2] : "");
        }

        int slash = place.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? (place, "") : (place[..slash], place[(slash + 1)..]);
    }

    private static S3Location With(S3Location location, string name, string value) => name.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() switch
    {
        "ENDPOINT" => location with { Endpoint = EndpointOf(value) },
        "REGION" => location with { Region = value },
        "FORCEPATHSTYLE" => location with { ForcePathStyle = Boolean(name, value) },
        "SKIPVERIFY" => location with { SkipCertificateCheck = Boolean(name, value) },
        "STORAGECLASS" => location with { StorageClass = value },
        "PARTSIZE" => location with { PartSize = Number(name, value) },
        "CONCURRENCY" => location with { Concurrency = Number(name, value) },
        "SSE" => location with { ServerSideEncryption = value },
        "SSEKMSKEYID" => location with { ServerSideEncryption = "aws:kms", KmsKeyId = value },
        "SSECUSTOMERKEY" => location with { CustomerKey = new S3CustomerKey(value) },
        "SSECUSTOMERALGORITHM" when value.Equals("AES256", StringComparison.OrdinalIgnoreCase) => location,
        "SIGNPAYLOAD" or "REQUIRECONTENTMD5" => location, // Litestream's; ours follow from the provider
        _ => throw Refuse($"The URL's option '{name}' is not known. Known are endpoint, region, force-path-style, skip-verify, storage-class, "
            + "part-size, concurrency, sse, sse-kms-key-id, sse-customer-key."),
    };

    /// <summary>As Litestream completes it: http for this machine and private networks, https for the world.</summary>
    /// <param name="text">A URL, or host and port alone.</param>
    /// <exception cref="ReplicaLocationException">It is none.</exception>
    public static Uri EndpointOf(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal))
        {
            return Uri.TryCreate(text, UriKind.Absolute, out Uri? whole) && whole.Scheme is "http" or "https" && whole.UserInfo.Length == 0
                ? whole
                : throw Refuse("The endpoint is no http or https URL.");
        }

        if (!Uri.TryCreate($"https://{text}", UriKind.Absolute, out Uri? uri))
        {
            throw Refuse("The endpoint is no host.");
        }

        bool local = uri.IsLoopback || (IPAddress.TryParse(uri.Host, out IPAddress? address) && IsPrivate(address));
        return local ? new Uri($"http://{text}") : uri;
    }

    private static bool IsPrivate(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        return bytes.Length == 4
            && (bytes[0] == 10 || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 172 && bytes[1] is >= 16 and < 32));
    }

    private static bool Boolean(string name, string value) =>
        bool.TryParse(value, out bool result) ? result : throw Refuse($"The URL's option '{name}' is true or false.");

    private static int Number(string name, string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int result)
        ? result
        : throw Refuse($"The URL's option '{name}' is a whole number.");

    private static ReplicaLocationException Refuse(string message) => new($"{message} Nothing was written.");
}
