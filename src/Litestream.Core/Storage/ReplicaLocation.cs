using System.Text.Json.Serialization;

namespace Litestream.Storage;

/// <summary>The place of a replica, and what is needed to open it. Immutable; two of the same place and settings are equal.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(FolderLocation), "folder")]
[JsonDerivedType(typeof(S3Location), "s3")]
public abstract record ReplicaLocation
{
    /// <summary>Ends a message about text that is no place.</summary>
    private protected const string Accepted = "Give a folder path, a file:///absolute/path URL or s3://bucket/path.";

    // What Litestream itself replicates to.
    private static readonly string[] LaterSchemes = ["gs", "gcs", "abs", "oss", "sftp", "nats", "webdav", "webdavs"];

    /// <summary>The place as a person would write it, without any secret.</summary>
    [JsonIgnore]
    public abstract string Address { get; }

    /// <summary>Turns the text that a person writes for a replica's place into one. Nothing is read or written.</summary>
    /// <param name="text">A folder path (relative to the process' current folder, UNC, with spaces or any letters), a
    /// <c>file://</c> URL or <c>s3://bucket/path</c>, with options as a query.</param>
    /// <exception cref="ReplicaLocationException">The text cannot be a place, or names a kind of store that is not known.</exception>
    public static ReplicaLocation Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (string.IsNullOrWhiteSpace(text))
        {
            throw Invalid(text, $"The replica's place is empty. {Accepted}");
        }

        string scheme = SchemeOf(text);
        if (scheme.Equals(FolderLocation.FileScheme, StringComparison.OrdinalIgnoreCase))
        {
            return FolderLocation.OfUrl(text);
        }

        bool isUrl = scheme.Length > 0 && text.AsSpan(scheme.Length).StartsWith("://", StringComparison.Ordinal);
        if (isUrl && scheme.Equals(S3Location.Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return S3Url.Parse(text);
        }

        return isUrl ? throw NotKnown(scheme) : FolderLocation.OfPath(text);
    }

    /// <summary>Opens the place. Nothing is read or written yet; it need not exist.</summary>
    public abstract IReplicaStore Open();

    /// <summary>The place below this one for one of several databases; the same settings.</summary>
    /// <param name="relative">Names with <c>/</c> between them, none of them <c>.</c> or <c>..</c>.</param>
    public abstract ReplicaLocation Below(string relative);

    /// <summary>The <see cref="Address"/>.</summary>
    public sealed override string ToString() => Address;

    private protected static ReplicaLocationException Invalid(string location, string message, Exception? cause = null) =>
        new(message, cause) { Replica = location };

    // No part of the URL but its scheme: it may carry a password or key.
    private static ReplicaLocationException NotKnown(string scheme) => LaterSchemes.Contains(scheme, StringComparer.OrdinalIgnoreCase)
        ? new ReplicaLocationException($"Replicas at {scheme}:// are not supported yet. Nothing was written. {Accepted}")
        : new ReplicaLocationException($"'{scheme}://' is not a kind of replica that is known. Nothing was written. {Accepted}");

    /// <summary>What stands before the first colon if it can be a scheme: one letter is a drive.</summary>
    private static string SchemeOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 2 || !char.IsAsciiLetter(text[0]))
        {
            return "";
        }

        foreach (char c in text.AsSpan(0, colon))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return "";
            }
        }

        return text[..colon];
    }
}
