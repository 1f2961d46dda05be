using System.Text.Json;

namespace Litestream.Tests.Soak;

/// <summary>What a log tells, with samples thinned out to what a plot can show.</summary>
internal sealed class SoakHistory
{
    // A multiple of what a plot has of columns; two neighbours are merged whenever there are twice as many.
    private const int MostBuckets = 700;

    private readonly List<Sample> _buckets = [];
    private double _bucketSeconds = 1;

    /// <summary>Samples, or the worst of some that follow each other.</summary>
    public IReadOnlyList<Sample> Samples => _buckets;

    /// <summary>How many seconds a sample stands for.</summary>
    public double BucketSeconds => _bucketSeconds;

    /// <summary>The options of the soak.</summary>
    public JsonElement Options { get; private set; }

    /// <summary>When it began.</summary>
    public DateTimeOffset Begin { get; private set; }

    /// <summary>The figures at its end; undefined if it has none.</summary>
    public JsonElement End { get; private set; }

    /// <summary>Why it failed; null if it did not.</summary>
    public JsonElement? Failure { get; private set; }

    /// <summary>Seconds since the beginning at which a check was passed.</summary>
    public List<double> Checks { get; } = [];

    /// <summary>Milliseconds that each of the checks waited for its sync.</summary>
    public List<double> SyncMilliseconds { get; } = [];

    /// <summary>The faults.</summary>
    public List<FaultRecord> Faults { get; } = [];

    /// <summary>Where the failure stands on the time axis.</summary>
    public double? FailedAt { get; private set; }

    /// <summary>Reads a log.</summary>
    /// <param name="path">Of the log; it may still be written to.</param>
    public static SoakHistory Read(string path)
    {
        SoakHistory history = new();
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            history.Take(JsonSerializer.Deserialize<JsonElement>(line));
        }

        return history;
    }

    private void Take(JsonElement line)
    {
        DateTimeOffset at = line.GetProperty("at").GetDateTimeOffset();
        double seconds = (at - Begin).TotalSeconds;
        switch (line.GetProperty("event").GetString())
        {
            case "begin":
                Begin = at;
                Options = line.GetProperty("options");
                break;
            case "sample":
                Take(line.Deserialize<Sample>(SoakLog.Json)! with { Seconds = seconds });
                break;
            case "check":
                Checks.Add(seconds);
                SyncMilliseconds.Add(line.GetProperty("syncMs").GetDouble());
                break;
            case "recovered":
                double recovery = line.GetProperty("recoverySeconds").GetDouble();
                double end = seconds - recovery;
                string? detail = line.TryGetProperty("detail", out JsonElement text) ? text.GetString() : null;
                Faults.Add(new FaultRecord(line.GetProperty("name").GetString()!, detail, end - line.GetProperty("seconds").GetDouble(), end, seconds));
                break;
            case "failure":
                Failure = line;
                FailedAt = seconds;
                break;
            case "end":
                End = line;
                break;
            default:
                break;
        }
    }

    private void Take(Sample sample)
    {
        if (_buckets.Count > 0 && sample.Seconds < Math.Floor(_buckets[^1].Seconds / _bucketSeconds + 1) * _bucketSeconds)
        {
            _buckets[^1] = Worst(_buckets[^1], sample);
            return;
        }

        _buckets.Add(sample);
        if (_buckets.Count > 2 * MostBuckets)
        {
            for (int i = 0; i < MostBuckets; i++)
            {
                _buckets[i] = Worst(_buckets[2 * i], _buckets[(2 * i) + 1]);
            }

            _buckets.RemoveRange(MostBuckets, _buckets.Count - MostBuckets);
            _bucketSeconds *= 2;
        }
    }

    private static Sample Worst(Sample first, Sample second) => second with
    {
        Seconds = first.Seconds,
        LagSeconds = Math.Max(first.LagSeconds, second.LagSeconds),
        WalBytes = Math.Max(first.WalBytes, second.WalBytes),
        DatabaseBytes = Math.Max(first.DatabaseBytes, second.DatabaseBytes),
        Memory = Math.Max(first.Memory, second.Memory),
        Descriptors = Math.Max(first.Descriptors, second.Descriptors),
        Cpu = first.Cpu is null ? second.Cpu : second.Cpu is null ? first.Cpu : Math.Max(first.Cpu.Value, second.Cpu.Value),
    };
}
