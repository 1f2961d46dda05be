using Litestream.Diagnostics;

namespace Litestream.PowerShell;

/// <summary>One number that a process which replicates has measured.</summary>
public sealed record SqliteReplicationMetric
{
    /// <summary>Its name in Prometheus, as in <c>litestream_txid</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The number; sizes in bytes, times in seconds, moments in seconds since 1970.</summary>
    public double Value { get; init; }

    /// <summary>Full path of the database that it is about; null where it is about all of the process.</summary>
    public string? Path { get; init; }

    /// <summary>The replica's place that it is about, or null.</summary>
    public string? Destination { get; init; }

    /// <summary>The other labels, as <c>name=value</c>.</summary>
    public string[] Labels { get; init; } = [];

    /// <summary><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it is, in words.</summary>
    public string Description { get; init; } = "";

    /// <summary>The process that has measured it; a counter begins with the process.</summary>
    public int ProcessId { get; init; }

    /// <summary>Makes the output object of a sample.</summary>
    /// <param name="sample">As read.</param>
    /// <param name="processId">Where.</param>
    internal static SqliteReplicationMetric From(MetricSample sample, int processId) => new()
    {
        Name = sample.Name,
        Value = sample.Value,
        Path = sample.Labels.FirstOrDefault(label => label.Key == "db").Value,
        Destination = sample.Labels.FirstOrDefault(label => label.Key == "replica").Value,
        Labels = [.. sample.Labels.Where(label => label.Key is not ("db" or "replica")).Select(label => $"{label.Key}={label.Value}")],
        Kind = sample.Kind,
        Description = sample.Help,
        ProcessId = processId,
    };

    /// <summary>Name and value.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name} {Value}");
}
