using System.Text.Json;
using System.Text.Json.Serialization;

namespace Litestream.Storage;

/// <summary>A key for SSE-C: the service encrypts with it and does not keep it. Shown nowhere, see <see cref="S3Credentials"/>.</summary>
[JsonConverter(typeof(JsonOfKey))]
public sealed class S3CustomerKey : IEquatable<S3CustomerKey>
{
    private const int Length = 32; // AES-256
    private readonly string _base64;

    /// <summary>Holds a key.</summary>
    /// <param name="base64">32 bytes in Base64.</param>
    /// <exception cref="ReplicaLocationException">It is not that.</exception>
    public S3CustomerKey(string base64)
    {
        ArgumentNullException.ThrowIfNull(base64);
        Span<byte> key = stackalloc byte[Length + 3];
        if (!Convert.TryFromBase64String(base64, key, out int length) || length != Length)
        {
            throw new ReplicaLocationException("The customer key for SSE-C must be 32 bytes in Base64. Nothing was written.");
        }

        _base64 = base64;
    }

    /// <inheritdoc/>
    public bool Equals(S3CustomerKey? other) => other is not null && _base64 == other._base64;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as S3CustomerKey);

    /// <inheritdoc/>
    public override int GetHashCode() => _base64.GetHashCode(StringComparison.Ordinal);

    /// <summary>Nothing of what it holds.</summary>
    public override string ToString() => "***";

    /// <summary>The key in Base64.</summary>
    internal string Reveal() => _base64;

    /// <summary>For the pipe to the worker.</summary>
    public sealed class JsonOfKey : JsonConverter<S3CustomerKey>
    {
        /// <inheritdoc/>
        public override S3CustomerKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, S3CustomerKey value, JsonSerializerOptions options) => writer.WriteStringValue(value._base64);
    }
}
