namespace Litestream.Tests.Soak;

/// <summary>What the soak looked like at one moment, over all databases.</summary>
internal sealed record Sample
{
    /// <summary>Seconds since the soak began.</summary>
    public required double Seconds { get; init; }

    /// <summary>The largest that the replicator says.</summary>
    public required double LagSeconds { get; init; }

    /// <summary>The largest.</summary>
    public required long WalBytes { get; init; }

    public required long DatabaseBytes { get; init; }

    public required long Memory { get; init; }

    public required int Descriptors { get; init; }

    /// <summary>Share of one processor since the sample before; null if processes came or went.</summary>
    public double? Cpu { get; init; }

    /// <summary>Files sent to replicas since the soak began.</summary>
    public required long Files { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Requests that the replicator made to a store since the soak began; 0 for folders.</summary>
    public long Requests { get; init; }

    /// <summary>Newest transactions in the replicas, added up.</summary>
    public required ulong Txids { get; init; }

    /// <summary>The replicator's words for each state it is in.</summary>
    public required string State { get; init; }

    /// <summary>What is broken on purpose.</summary>
    public required IReadOnlyList<string> Broken { get; init; }
}
