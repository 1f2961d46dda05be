namespace Litestream.Tests.EventWriter;

/// <summary>How long commits took to become visible in the replica.</summary>
/// <param name="Samples">Commits that a level-0 file holds.</param>
/// <param name="InBase">Commits that were in the base image already: not measured.</param>
/// <param name="Unmatched">Commits that no file held when the measuring ended.</param>
/// <param name="Files">Level-0 files that appeared.</param>
/// <param name="P50Ms">Half of the samples took at most this long, in milliseconds.</param>
/// <param name="P95Ms">95 % of them.</param>
/// <param name="P99Ms">99 % of them.</param>
/// <param name="MaxMs">The slowest.</param>
internal sealed record LagReport(
    int Samples, int InBase, int Unmatched, int Files, double P50Ms, double P95Ms, double P99Ms, double MaxMs)
{
    /// <summary>Finds for each commit the first file that holds it: one of its WAL generation that reaches its end, or of a later generation.</summary>
    public static LagReport Between(ReadOnlySpan<CommitLog.Commit> commits, ReplicaWatch.Arrival[] arrivals, bool beganEmpty)
    {
        ReplicaWatch.Arrival[] files = [.. arrivals.Where(file => file.Start > 0)];
        List<double> lags = new(commits.Length);
        int inBase = 0;
        int file = 0;
        foreach (CommitLog.Commit commit in commits)
        {
            while (file < files.Length && !Holds(files[file], commit))
            {
                file++;
            }

            if (file == files.Length)
            {
                break;
            }

            if (file == 0 && beganEmpty && (files[0].Salt1 != commit.Salt1 || commit.End <= files[0].Start))
            {
                inBase++;
                continue;
            }

            lags.Add(TimeProvider.System.GetElapsedTime(commit.Time, files[file].Time).TotalMilliseconds);
        }

        lags.Sort();
        return new LagReport(
            lags.Count, inBase, commits.Length - lags.Count - inBase, arrivals.Length,
            Percentile(lags, 0.50), Percentile(lags, 0.95), Percentile(lags, 0.99), Percentile(lags, 1));
    }

    private static bool Holds(ReplicaWatch.Arrival file, CommitLog.Commit commit) =>
        file.Salt1 == commit.Salt1 ? file.End >= commit.End : unchecked((int)(file.Salt1 - commit.Salt1)) > 0;

    private static double Percentile(List<double> sorted, double part) =>
        sorted.Count == 0 ? 0 : Math.Round(sorted[Math.Max(0, (int)Math.Ceiling(part * sorted.Count) - 1)], 3);
}
