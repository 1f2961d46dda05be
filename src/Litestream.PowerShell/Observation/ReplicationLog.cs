using System.Text.Json;
using System.Text.Json.Serialization;
using Litestream.PowerShell.Worker;
using Litestream.Replication;

namespace Litestream.PowerShell.Observation;

/// <summary>
/// Writes what happens to a file, one JSON object a line, and keeps the file small: when it has grown to its limit it becomes
/// <c>.1</c>, what was <c>.1</c> becomes <c>.2</c>, and the oldest goes. A line that cannot be written shows as a warning in every status.
/// </summary>
internal sealed partial class ReplicationLog : IAsyncDisposable
{
    /// <summary>How large a file may grow, in bytes.</summary>
    internal const long MaxBytes = 10L << 20;

    /// <summary>How many older files are kept.</summary>
    internal const int Kept = 4;

    private readonly string _path;
    private readonly HostedReplications _replications;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _watching;

    private ReplicationLog(string path, HostedReplications replications)
    {
        _path = path;
        _replications = replications;
        _watching = Task.Run(() => StatusWatch.RunAsync(replications, Note, _end.Token));
    }

    /// <summary>Opens it.</summary>
    /// <param name="path">Full path; what is there is continued.</param>
    /// <param name="replications">What this process replicates.</param>
    /// <exception cref="ReplicationException">It cannot be written.</exception>
    internal static ReplicationLog Open(string path, HostedReplications replications)
    {
        try
        {
            File.AppendAllText(path, "");
            return new ReplicationLog(path, replications);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ReplicationException(
                ErrorTable.LogUnusable,
                $"The log '{path}' cannot be written: {exception.Message} Nothing was started. Give a path in a folder that exists and can be written.",
                exception)
            {
                File = path,
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _end.Dispose();
    }

    /// <summary>Appends a line, and makes room before it if need be.</summary>
    /// <param name="path">Full path of the file.</param>
    /// <param name="line">Without a line feed.</param>
    /// <param name="maxBytes">How large the file may grow.</param>
    internal static void Append(string path, string line, long maxBytes)
    {
        if (new FileInfo(path) is { Exists: true, Length: long length } && length > 0 && length + line.Length >= maxBytes)
        {
            for (int i = Kept - 1; i >= 1; i--)
            {
                if (File.Exists($"{path}.{i}"))
                {
                    File.Move($"{path}.{i}", $"{path}.{i + 1}", overwrite: true);
                }
            }

            File.Move(path, path + ".1", overwrite: true);
        }

        File.AppendAllText(path, line + "\n");
    }

    private void Note(ReplicationStatus? last, ReplicationStatus now)
    {
        foreach ((string level, string what, string message) in StatusWatch.Compare(last, now))
        {
            Line line = new(DateTimeOffset.UtcNow, level, what, message, now.DatabasePath, now.Destination, now.State.ToString(), now.CapturedTxid, now.ReplicaTxid)
            {
                ErrorId = what == "failed" ? now.LastErrorId : null,
                LagSeconds = now.Lag.TotalSeconds,
            };
            try
            {
                Append(_path, JsonSerializer.Serialize(line, LineContext.Default.Line), MaxBytes);
                _replications.Warn(this, null);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _replications.Warn(this, $"The log '{_path}' cannot be written: {exception.Message} Replication goes on.");
            }
        }
    }

    private sealed record Line(
        DateTimeOffset Time, string Level, string Event, string Message, string Database, string Destination, string State, ulong Txid, ulong ReplicaTxid)
    {
        public double LagSeconds { get; init; }

        public string? ErrorId { get; init; }
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonSerializable(typeof(Line))]
    private sealed partial class LineContext : JsonSerializerContext;
}
