namespace Litestream.Tests.Soak;

/// <summary>What a replicator may take, and how far it may fall behind, while nothing is broken on purpose and some time after.</summary>
internal sealed class Bounds(
    TimeSpan lag, long walBytes, long memoryBytes, int descriptors, double requestsPerSecond, TimeSpan recovery, Disturbances disturbances, TimeProvider time)
{
    // A bound that is broken for a moment says little about a loaded machine; one that stays broken does.
    private const int MostInARow = 5;

    private readonly Dictionary<string, int> _broken = [];
    private readonly DateTimeOffset _begin = time.GetUtcNow();
    private Sample? _minute;

    /// <summary>What suits a number of databases.</summary>
    public static Bounds For(SoakOptions options, Disturbances disturbances, TimeProvider time) => new(
        options.LagBound, 512L << 20, (600L << 20) + (options.Databases * (16L << 20)), 400 + (40 * options.Databases), 20 * options.Databases, options.LagBound, disturbances, time);

    /// <summary>Holds a sample to the bounds.</summary>
    /// <exception cref="SoakFailure">One is broken, several times in a row.</exception>
    public void Check(Sample sample, IReadOnlyList<SubjectStatus> statuses)
    {
        DateTimeOffset recovered = time.GetUtcNow() - recovery;
        bool calm = _begin < recovered && !disturbances.Since(recovered);
        Hold("lag", calm && sample.LagSeconds > lag.TotalSeconds, () => $"the replica is {sample.LagSeconds:0.0} s behind; the bound is {lag.TotalSeconds:0} s");
        Hold("down", calm && (statuses.Count == 0 || statuses.Any(status => status.State != "Streaming")), () =>
            $"the replicator is {sample.State} though nothing was broken for {recovery.TotalSeconds:0} s. {statuses.FirstOrDefault(status => status.State != "Streaming")?.LastError}");
        Hold("wal", calm && sample.WalBytes > walBytes, () => $"the WAL has {sample.WalBytes:N0} bytes; the bound is {walBytes:N0}");
        CheckRequests(sample);
        Hold("memory", sample.Memory > memoryBytes, () => $"the replicator's processes hold {sample.Memory:N0} bytes of memory; the bound is {memoryBytes:N0}");
        Hold("descriptors", sample.Descriptors > descriptors, () => $"the replicator's processes hold {sample.Descriptors} descriptors; the bound is {descriptors}");
    }

    /// <summary>Requests cost money: over each minute they are held to a mean.</summary>
    private void CheckRequests(Sample sample)
    {
        if (_minute is not { } before)
        {
            _minute = sample;
        }
        else if (sample.Seconds - before.Seconds >= 60)
        {
            double mean = (sample.Requests - before.Requests) / (sample.Seconds - before.Seconds);
            _minute = sample;
            if (mean > requestsPerSecond)
            {
                throw new SoakFailure("requests", $"Bound broken: {mean:0.0} requests a second to the store over a minute; the bound is {requestsPerSecond:0}.");
            }
        }
    }

    private void Hold(string bound, bool isBroken, Func<string> text)
    {
        _broken[bound] = isBroken ? _broken.GetValueOrDefault(bound) + 1 : 0;
        if (_broken[bound] > MostInARow)
        {
            throw new SoakFailure(bound, $"Bound broken: {text()}.");
        }
    }
}
