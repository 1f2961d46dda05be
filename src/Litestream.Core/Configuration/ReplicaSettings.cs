using System.Globalization;
using Litestream.Storage;

namespace Litestream.Configuration;

/// <summary>From the keys of a replica, and those at the top of the file where it has none of its own, to its place.</summary>
/// <param name="own">The replica.</param>
/// <param name="defaults">The top of the file.</param>
/// <param name="baseFolder">What relative paths are relative to.</param>
internal sealed class ReplicaSettings(YamlSection own, YamlSection defaults, string baseFolder)
{
    private static readonly string[] Age = ["identities", "recipients"];

    /// <summary>How long commits are gathered; null for the usual time.</summary>
    public TimeSpan? SyncInterval => From("sync-interval").Duration("sync-interval");

    /// <summary>Its place.</summary>
    /// <exception cref="ConfigurationException">It has none, or one of a kind that is not known.</exception>
    public ReplicaLocation Location()
    {
        if (own.Has("age") || defaults.Has("age"))
        {
            From("age").Section("age", Age);
            throw From("age").Error("age", "encryption with age is not known, as Litestream 0.5 does not know it either");
        }

        string? url = own.Text("url");
        string type = own.Text("type") ?? defaults.Text("type")
            ?? (url is { } given && given.IndexOf("://", StringComparison.Ordinal) is > 0 and int at ? given[..at] : own.Has("bucket") ? "s3" : "file");
        string where = url is null ? "path" : "url";
        try
        {
            return type switch
            {
                "file" when url is not null => ReplicaLocation.Parse(Home(url)),
                "file" => FolderLocation.OfPath(Home(own.Text("path") ?? throw own.Error("path", "a replica needs a url or a path")), baseFolder),
                "s3" => S3Url.Validate(WithS3(url is null ? FromBucket() : S3Url.Parse(url))),
                _ => throw own.Error(own.Has("type") ? "type" : where, $"replicas of type '{type}' are not supported yet: file and s3 are"),
            };
        }
        catch (ReplicaLocationException exception)
        {
            throw own.Error(where, exception.Message);
        }
    }

    private static string Home(string path) => path.StartsWith("~/", StringComparison.Ordinal)
        ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[2..])
        : path;

    private S3Location FromBucket() =>
        new(Text("bucket") ?? throw own.Error("bucket", "a replica in S3 needs a url or a bucket"), (own.Text("path") ?? "").Trim('/'));

    private S3Location WithS3(S3Location location)
    {
        string? keyId = Text("access-key-id");
        string? secret = Text("secret-access-key");
        if (keyId is null != secret is null)
        {
            throw own.Error(keyId is null ? "secret-access-key" : "access-key-id", "access-key-id and secret-access-key go together");
        }

        string? customerKey = Text("sse-customer-key") ?? (Text("sse-customer-key-path") is { } file ? ReadKey(file) : null);
        return location with
        {
            Endpoint = Text("endpoint") is { } endpoint ? S3Url.EndpointOf(endpoint) : location.Endpoint,
            Region = Text("region") ?? location.Region,
            ForcePathStyle = From("force-path-style").Boolean("force-path-style") ?? location.ForcePathStyle,
            SkipCertificateCheck = From("skip-verify").Boolean("skip-verify") ?? location.SkipCertificateCheck,
            StorageClass = Text("storage-class") ?? location.StorageClass,
            PartSize = PartSize() ?? location.PartSize,
            Concurrency = (int?)From("concurrency").Number("concurrency") ?? location.Concurrency,
            CustomerKey = customerKey is null ? location.CustomerKey : new S3CustomerKey(customerKey),
            ServerSideEncryption = Text("sse-kms-key-id") is null ? location.ServerSideEncryption : "aws:kms",
            KmsKeyId = Text("sse-kms-key-id") ?? location.KmsKeyId,
            Credentials = keyId is null ? location.Credentials : new S3Credentials(keyId, secret!),
        };
    }

    // "5MiB", "10MB" or a number of bytes.
    private int? PartSize()
    {
        if (Text("part-size") is not { } text)
        {
            return null;
        }

        int digits = text.TakeWhile(char.IsAsciiDigit).Count();
        long unit = text[digits..].Trim().ToUpperInvariant() switch
        {
            "" or "B" => 1,
            "KB" => 1000,
            "KIB" or "K" => 1 << 10,
            "MB" => 1_000_000,
            "MIB" or "M" => 1 << 20,
            _ => 0,
        };
        return long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long count) && unit > 0 && count * unit is > 0 and <= int.MaxValue
            ? (int)(count * unit)
            : throw From("part-size").Error("part-size", "'part-size' is a size such as 5MB or 8MiB");
    }

    private string ReadKey(string path)
    {
        try
        {
            return File.ReadAllText(Path.GetFullPath(Home(path), baseFolder)).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw From("sse-customer-key-path").Error("sse-customer-key-path", $"the key cannot be read: {exception.Message}");
        }
    }

    private string? Text(string key) => From(key).Text(key);

    private YamlSection From(string key) => own.Has(key) ? own : defaults;
}
