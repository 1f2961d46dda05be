namespace Litestream.Maintenance;

/// <summary>What a replica asks of its store: measured where its files still tell, reckoned from them where they are gone.</summary>
/// <param name="From">When the oldest transaction that is told apart was captured (UTC).</param>
/// <param name="To">When the newest was captured (UTC).</param>
/// <param name="Files">Files in it.</param>
/// <param name="BytesStored">Their lengths together.</param>
/// <param name="Captures">Transaction ids from <paramref name="From"/> to <paramref name="To"/>: each was one file of level 0.</param>
/// <param name="Merges">Files of levels 1 to 8 that were written in that time.</param>
/// <param name="Images">Full images that were written in that time; one a day where there are too few to tell.</param>
/// <param name="BytesWritten">Bytes that were sent in that time.</param>
/// <param name="BytesRead">Bytes that merging and reading back fetched in that time.</param>
public sealed record ReplicaUsage(
    DateTimeOffset From, DateTimeOffset To, int Files, long BytesStored, double Captures, double Merges, double Images, double BytesWritten, double BytesRead)
{
    // A lease is renewed so often while something is written; see S3Lease.
    private const double RenewalSeconds = 10;

    // A larger file goes up part by part, and comes back piece by piece.
    private const double PartSize = 8 << 20;

    /// <summary>The time that is told; never less than a minute, so that rates stay finite.</summary>
    public TimeSpan Period => To - From > TimeSpan.FromMinutes(1) ? To - From : TimeSpan.FromMinutes(1);

    /// <summary>Requests that write, in that time: files, further parts of large ones, renewals of the lease.</summary>
    public double Puts => Captures + Merges + Images + (BytesWritten / PartSize) + Math.Min(Captures, Period.TotalSeconds / RenewalSeconds);

    /// <summary>Requests that read: each merge opens what it merges and is read back.</summary>
    public double Gets => Captures + (2 * Merges) + Images + (BytesRead / PartSize);
}
