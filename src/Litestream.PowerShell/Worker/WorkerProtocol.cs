using System.Text.Json;
using System.Text.Json.Serialization;

namespace Litestream.PowerShell.Worker;

/// <summary>
/// How the caller and its worker talk: one JSON object a line, requests one way, replies the other, in any order; a reply carries the
/// id of its request. Settings, and secrets when there are any, go through this pipe alone, never through a command line or the
/// environment, where other users could see them.
/// </summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerRequest))]
[JsonSerializable(typeof(WorkerReply))]
internal sealed partial class WorkerProtocol : JsonSerializerContext
{
    /// <summary>Begins a pipe's name; the rest is random.</summary>
    internal const string PipePrefix = "litestream-";

    /// <summary>How long the last sync may take when the caller has ended or a signal asks the worker to end.</summary>
    internal static readonly System.TimeSpan LastSyncLimit = System.TimeSpan.FromSeconds(30);

    /// <summary>The line of a request.</summary>
    internal static string Line(WorkerRequest request) => JsonSerializer.Serialize(request, Default.WorkerRequest);

    /// <summary>The line of a reply.</summary>
    internal static string Line(WorkerReply reply) => JsonSerializer.Serialize(reply, Default.WorkerReply);

    /// <summary>The request of a line.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    internal static WorkerRequest ReadRequest(string line) =>
        JsonSerializer.Deserialize(line, Default.WorkerRequest) ?? throw new JsonException("An empty request.");

    /// <summary>The reply of a line.</summary>
    /// <exception cref="JsonException">It is not one.</exception>
    internal static WorkerReply ReadReply(string line) =>
        JsonSerializer.Deserialize(line, Default.WorkerReply) ?? throw new JsonException("An empty reply.");
}
