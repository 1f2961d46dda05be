using System.Text.Json;
using System.Text.Json.Serialization;

namespace Litestream.Tests.EventWriter;

/// <summary>What a run did, printed as one line of JSON.</summary>
/// <param name="Commits">Transactions committed, without the filling.</param>
/// <param name="Rows">Rows written, with the filling.</param>
/// <param name="Seconds">How long it took, without the filling.</param>
/// <param name="CommitsPerSecond">Over the whole run.</param>
/// <param name="Bytes">Bytes of JSON written.</param>
/// <param name="DatabaseBytes">Size of the database at the end.</param>
/// <param name="TransactionP50Ms">Half of the transactions took this long at most, from BEGIN IMMEDIATE to the end of COMMIT; null with a mix of work.</param>
/// <param name="TransactionP99Ms">99 of a hundred took this long at most; null with a mix of work.</param>
/// <param name="Checkpoints">Random checkpoints that copied everything; null if none were asked for.</param>
/// <param name="BusyCheckpoints">Random checkpoints that were kept from it; null if none were asked for.</param>
/// <param name="Lag">From commit to replica; null if not asked for.</param>
internal sealed record WriterReport(
    long Commits,
    long Rows,
    double Seconds,
    double CommitsPerSecond,
    long Bytes,
    long DatabaseBytes,
    double? TransactionP50Ms,
    double? TransactionP99Ms,
    long? Checkpoints,
    long? BusyCheckpoints,
    LagReport? Lag)
{
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.WriterReport);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WriterReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
