using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Litestream.Tests.Soak;

/// <summary>Everything that happens in a soak, a line of JSON each: <c>at</c> (UTC), <c>event</c>, and what belongs to that event.</summary>
internal sealed class SoakLog : IDisposable
{
    /// <summary>How values stand in it.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly StreamWriter _file;
    private readonly Lock _gate = new();

    /// <summary>Makes the file.</summary>
    public SoakLog(string path)
    {
        Path = path;
        _file = new StreamWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Writes a line.</summary>
    /// <param name="kind">Which event.</param>
    /// <param name="data">An object; its properties stand beside <c>at</c> and <c>event</c>.</param>
    public void Write(string kind, object data)
    {
        JsonObject line = new() { ["at"] = DateTimeOffset.UtcNow.ToString("O"), ["event"] = kind };
        foreach ((string name, JsonNode? value) in JsonSerializer.SerializeToNode(data, Json)!.AsObject())
        {
            line[name] = value?.DeepClone();
        }

        string text = line.ToJsonString(Json);
        lock (_gate)
        {
            _file.WriteLine(text);
        }
    }

    public void Dispose() => _file.Dispose();
}
