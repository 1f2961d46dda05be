namespace Litestream.Tests.Soak;

/// <summary>The largest that was seen of each figure, and the mean of one.</summary>
internal sealed class Peaks
{
    private double _cpuSum;
    private int _cpuCount;

    public double LagSeconds { get; private set; }

    public long WalBytes { get; private set; }

    public long Memory { get; private set; }

    public int Descriptors { get; private set; }

    /// <summary>Mean share of one processor.</summary>
    public double MeanCpu => _cpuCount == 0 ? 0 : _cpuSum / _cpuCount;

    /// <summary>Takes a sample in.</summary>
    public void Take(Sample sample)
    {
        LagSeconds = Math.Max(LagSeconds, sample.LagSeconds);
        WalBytes = Math.Max(WalBytes, sample.WalBytes);
        Memory = Math.Max(Memory, sample.Memory);
        Descriptors = Math.Max(Descriptors, sample.Descriptors);
        if (sample.Cpu is { } cpu)
        {
            _cpuSum += cpu;
            _cpuCount++;
        }
    }
}
