using System.Text.Json;
using System.Text.Json.Serialization;

namespace Litestream.Storage;

/// <summary>
/// A key of an S3 account. What it holds is given out by methods alone, so that no view, message or serialised object shows it; only JSON
/// made of it does, for the pipe between the caller and its worker.
/// </summary>
[JsonConverter(typeof(JsonOfCredentials))]
public sealed class S3Credentials : IEquatable<S3Credentials>
{
    private readonly string _accessKeyId;
    private readonly string _secretAccessKey;
    private readonly string? _sessionToken;

    /// <summary>Holds a key.</summary>
    /// <param name="accessKeyId">Its public half.</param>
    /// <param name="secretAccessKey">Its secret half.</param>
    /// <param name="sessionToken">For temporary keys; else null.</param>
    public S3Credentials(string accessKeyId, string secretAccessKey, string? sessionToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(accessKeyId);
        ArgumentException.ThrowIfNullOrEmpty(secretAccessKey);
        (_accessKeyId, _secretAccessKey, _sessionToken) = (accessKeyId, secretAccessKey, sessionToken);
    }

    /// <inheritdoc/>
    public bool Equals(S3Credentials? other) => other is not null
        && (_accessKeyId, _secretAccessKey, _sessionToken) == (other._accessKeyId, other._secretAccessKey, other._sessionToken);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as S3Credentials);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_accessKeyId, _secretAccessKey, _sessionToken);

    /// <summary>Nothing of what it holds.</summary>
    public override string ToString() => "***";

    /// <summary>What it holds.</summary>
    internal (string AccessKeyId, string SecretAccessKey, string? SessionToken) Reveal() => (_accessKeyId, _secretAccessKey, _sessionToken);

    /// <summary>For the pipe to the worker.</summary>
    public sealed class JsonOfCredentials : JsonConverter<S3Credentials>
    {
        /// <inheritdoc/>
        public override S3Credentials Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            string?[] parts = new string?[3];
            for (int i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
            {
                parts[i < parts.Length ? i : throw new JsonException()] = reader.GetString();
            }

            return new S3Credentials(parts[0]!, parts[1]!, parts[2]);
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, S3Credentials value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(value._accessKeyId);
            writer.WriteStringValue(value._secretAccessKey);
            writer.WriteStringValue(value._sessionToken);
            writer.WriteEndArray();
        }
    }
}
