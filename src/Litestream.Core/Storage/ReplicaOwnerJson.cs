using System.Text.Json.Serialization;

namespace Litestream.Storage;

/// <summary>How a <see cref="ReplicaOwner"/> stands in <c>.replicator.json</c>: host, processId, database, since.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ReplicaOwner))]
internal sealed partial class ReplicaOwnerJson : JsonSerializerContext;
