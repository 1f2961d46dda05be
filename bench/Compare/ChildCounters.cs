using System.Text.Json;

namespace Litestream.Bench.Compare;

/// <summary>What this program as the subject knows of itself, printed as one line of JSON.</summary>
/// <param name="Operations">Operations on replicas so far.</param>
/// <param name="HttpRequests">Requests over HTTP so far.</param>
/// <param name="BytesRead">Bytes read from replicas so far.</param>
/// <param name="AllocatedBytes">Managed bytes allocated so far.</param>
internal sealed record ChildCounters(long Operations, long HttpRequests, long BytesRead, long AllocatedBytes)
{
    public static ChildCounters Now(ReplicaTraffic traffic) =>
        new(traffic.Operations, traffic.HttpRequests, traffic.BytesRead, GC.GetTotalAllocatedBytes(precise: true));

    public static ChildCounters Parse(string line) =>
        JsonSerializer.Deserialize<ChildCounters>(line) ?? throw new FormatException($"'{line}' are no counters.");

    public string ToJson() => JsonSerializer.Serialize(this);
}
